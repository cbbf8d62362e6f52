import { visit, type Document } from 'yaml';
import { columnOf, lineAt } from './text-lines.ts';
import { problemAt, type ValueProblem } from '../check/value-problem.ts';
import { type Explanation, explanations, tooDeep } from './yaml-explanations.ts';

/** Where a problem stands in the text: characters from its start. */
export type PlacedProblem = ValueProblem & { readonly offset: number };

/**
 * Says what is wrong with the syntax of a document in the words of whoever writes one, with the parser's own at the end.
 * Only the first mistake, as what a parser finds behind it mostly follows from it.
 */
export function yamlProblem(document: Document.Parsed, text: string): PlacedProblem | undefined {
  const [first] = document.errors.toSorted((a, b) => a.pos[0] - b.pos[0]);
  if (first === undefined) return undefined;
  const { code, message, pos } = first;
  const [offset] = pos;
  const mistake = {
    code,
    message,
    document,
    text,
    offset,
    rest: lineAt(text, offset).slice(columnOf(text, offset) - 1),
  };
  for (const explain of explanations) {
    const told = explain(mistake);
    if (told !== undefined) return { ...withCause(told, message), offset: told.offset ?? offset };
  }
  return { ...withCause({ found: 'text that is no YAML', expected: 'valid YAML' }, message), offset };
}

/** What is told of an alias such as `*.jsonl`, which was mostly not meant as one. */
export function unresolvedAlias(document: Document.Parsed, cause: string): PlacedProblem | undefined {
  const name = /^Unresolved alias .*: (.*)$/.exec(cause)?.[1];
  let offset: number | undefined;
  visit(document, {
    Alias(_, { source, range }) {
      if (source !== name) return undefined;
      offset = range?.[0];
      return visit.BREAK;
    },
  });
  if (offset === undefined) return undefined;
  const told = { found: `the alias *${name}`, expected: `the anchor &${name} above it, or quotes around a text` };
  return { ...withCause(told, cause), offset };
}

/** The same from a parser that gave up. */
export const nestedTooDeeply: ValueProblem = problemAt([], tooDeep.found, tooDeep.expected);

function withCause({ found, expected }: Explanation, cause: string): ValueProblem {
  const problem = problemAt([], found, expected);
  return { ...problem, message: `${problem.message} (${cause})` };
}
