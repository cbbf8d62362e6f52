import { isCollection, visit, type Document, type YAMLParseError } from 'yaml';
import { columnOf, lineAt, linesAbove, lineStart, lineWithText, offsetOfLine } from './text-lines.ts';
import { openColumns, startsOf } from './yaml-indentation.ts';

export interface Explanation {
  readonly found: string;
  readonly expected: string;
  /** Where the mistake was made, if the parser noticed it further down. */
  readonly offset?: number;
}

export interface Mistake extends Pick<YAMLParseError, 'code' | 'message'> {
  readonly document: Document.Parsed;
  readonly text: string;
  readonly offset: number;
  /** The rest of its line. */
  readonly rest: string;
}

/** The first one that has something to say of a mistake is right about it. */
export const explanations: readonly ((mistake: Mistake) => Explanation | undefined)[] = [
  depth,
  tab,
  openQuote,
  behindQuote,
  openBracket,
  strayBracket,
  missingComma,
  listAmongFields,
  blockWithoutText,
  indentation,
  secondColon,
  missingColon,
  reservedStart,
  escape,
  twice,
  comment,
];

export const tooDeep = {
  found: 'lists or objects nested too deeply to be read',
  expected: 'fewer of them in each other',
};

function depth({ code }: Mistake): Explanation | undefined {
  return code === 'RESOURCE_EXHAUSTION' ? tooDeep : undefined;
}

function tab({ text, offset }: Mistake): Explanation | undefined {
  const at = /^ *(?=\t)/.exec(lineAt(text, offset));
  if (at === null) return undefined;
  return {
    found: 'a tab',
    expected: 'spaces, as YAML is not indented with tabs',
    offset: lineStart(text, offset) + at[0].length,
  };
}

function openQuote({ message, text, offset }: Mistake): Explanation | undefined {
  const quote = /^Missing closing (["'])quote/.exec(message)?.[1];
  if (quote === undefined) return undefined;
  const at = quote === '"' ? /(?<!\\)(?:\\\\)*"(?:[^"\\]|\\[^])*$/ : /(?<!')'(?:''|[^'])*$/;
  const from = text.slice(0, offset);
  const opening = from.indexOf(quote, at.exec(from)?.index ?? 0);
  return { found: `a ${quote} that is not closed`, expected: `another ${quote} where the text ends`, offset: opening };
}

function behindQuote({ message, text, offset, rest }: Mistake): Explanation | undefined {
  const quote = /["'](?=\s*$)/.exec(text.slice(lineStart(text, offset), offset))?.[0];
  if (!message.endsWith('at node end') || quote === undefined) return undefined;
  const inside = quote === '"' ? '\\"' : "''";
  return {
    found: `${short(rest)} behind a closing ${quote}`,
    expected: `nothing there, or ${inside} for a quote inside of the text`,
  };
}

function openBracket({ document, message, offset }: Mistake): Explanation | undefined {
  const closing = /^Flow .* end with a ([\]}])$/.exec(message)?.[1];
  if (closing === undefined) return undefined;
  let opening: number | undefined;
  visit(document, {
    Node(_, node) {
      if (isCollection(node) && node.flow && node.range?.[1] === offset) [opening] = node.range;
    },
  });
  return {
    found: `a ${closing === '}' ? '{' : '['} that is not closed`,
    expected: `a ${closing} behind it, and all lines between them further in`,
    ...(opening !== undefined && { offset: opening }),
  };
}

function strayBracket({ message, rest }: Mistake): Explanation | undefined {
  if (!/^Unexpected flow-(seq|map)-end token/.test(message)) return undefined;
  return { found: `a ${rest[0]} that closes nothing`, expected: 'as many closing brackets as opening ones' };
}

function missingComma({ code, message, rest }: Mistake): Explanation | undefined {
  if (code !== 'BLOCK_IN_FLOW' && !message.startsWith('Missing ,')) return undefined;
  return { found: short(rest), expected: 'commas between what stands in brackets' };
}

function listAmongFields({ message, text, offset }: Mistake): Explanation | undefined {
  if (!message.startsWith('A block sequence may not be')) return undefined;
  const start = lineWithText(text, offset);
  const item = startsOf(lineAt(text, start)).at(-1);
  if (item === undefined) return undefined;
  const above = linesAbove(text, start);
  const index = above.findLastIndex((line) => startsOf(line).at(-1)?.column === item.column);
  const joined = /^\s*-[^\s-]/.exec(above[index] ?? '');
  if (joined !== null) {
    const at = offsetOfLine(text, index) + joined[0].length - 2;
    return {
      found: short(text.slice(at).split('\n', 1).join('')),
      expected: 'a space behind the - of a list item',
      offset: at,
    };
  }
  const field = startsOf(above[index] ?? '').at(-1);
  if (field === undefined || field.isItem) return undefined;
  return {
    found: `the list item ${item.label} beside the field ${field.label}`,
    expected: `only fields or only list items in column ${item.column}`,
    offset: start + item.column - 1,
  };
}

function blockWithoutText({ code, text, offset, rest }: Mistake): Explanation | undefined {
  if (code !== 'MULTILINE_IMPLICIT_KEY' && code !== 'MISSING_CHAR') return undefined;
  const above = linesAbove(text, offset).findLast((line) => line.trim() !== '') ?? '';
  const [block] = startsOf(above);
  if (block === undefined || !/: +[|>][-+\d]*\s*$/.test(above)) return undefined;
  return {
    found: `${short(rest)} in column ${columnOf(text, offset)}`,
    expected: `the text of ${block.label} further in than column ${block.column}`,
  };
}

/** A line that begins where nothing is open, or the next one, which then looks as if it went on with a text. */
function indentation({ code, message, text, offset, rest }: Mistake): Explanation | undefined {
  const goesOn = message.startsWith('Nested mappings') && !/:(\s|$)/.test(rest);
  if (code !== 'BAD_INDENT' && !/^(Sequence item without|A block sequence may not)/.test(message) && !goesOn)
    return undefined;
  const start = lineWithText(text, goesOn ? offset + rest.length : offset);
  const outer = startsOf(lineAt(text, start)).at(-1);
  if (outer === undefined) return undefined;
  const places = openColumns(linesAbove(text, start), outer.isItem)
    .filter(({ column }) => column !== outer.column)
    .slice(0, 3)
    .map(({ column, label }) => `${column} (beside ${label})`);
  if (places.length === 0) return undefined;
  return {
    found: `${outer.label} in column ${outer.column}`,
    expected: `column ${places.join(' or ')}`,
    offset: start + outer.column - 1,
  };
}

function secondColon({ message, rest }: Mistake): Explanation | undefined {
  if (!message.startsWith('Nested mappings')) return undefined;
  return { found: `${short(rest)} behind a colon`, expected: 'a line of its own for a field, or quotes around a text' };
}

function missingColon({ code, message, rest }: Mistake): Explanation | undefined {
  if (code !== 'MULTILINE_IMPLICIT_KEY' && !message.startsWith('Implicit map keys')) return undefined;
  const [, name = rest.trim(), value = ''] = /^([\w.-]+)[:\s]*(.*)$/.exec(rest.trimEnd()) ?? [];
  const field = `${name}: ${value === '' ? '…' : value}`;
  return rest.startsWith(`${name}:`)
    ? { found: short(rest), expected: `a space behind the colon: ${short(field)}` }
    : { found: `${short(rest)} without a colon`, expected: `a field: ${short(field)}` };
}

function reservedStart({ code, rest }: Mistake): Explanation | undefined {
  if (code !== 'BAD_SCALAR_START') return undefined;
  return { found: short(rest), expected: `quotes around a text that begins with ${rest[0]}` };
}

function escape({ code, text, offset }: Mistake): Explanation | undefined {
  if (code !== 'BAD_DQ_ESCAPE') return undefined;
  return {
    found: `${text.slice(offset, offset + 2)} in double quotes`,
    expected: '\\\\ for a backslash, or single quotes',
  };
}

function twice({ code, rest }: Mistake): Explanation | undefined {
  if (code !== 'DUPLICATE_KEY') return undefined;
  return { found: `a second ${startsOf(rest)[0]?.label ?? short(rest)}`, expected: 'each field once' };
}

function comment({ message, rest }: Mistake): Explanation | undefined {
  if (!message.startsWith('Comments must be separated')) return undefined;
  return { found: short(rest), expected: 'a space before the # of a comment, or quotes around a text' };
}

function short(text: string): string {
  const line = text.trim();
  return line.length <= 60 ? line : `${line.slice(0, 59)}…`;
}
