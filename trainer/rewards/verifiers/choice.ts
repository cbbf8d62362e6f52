import { z } from 'zod';
import { lastBox } from '../answers/boxed.ts';
import { undress } from '../answers/undress.ts';
import { normalize } from './items.ts';
import { parseJson } from '../answers/structured-gold.ts';
import { correct, type Verifier, wrong } from './verifier.ts';

const structured = z.strictObject({
  correct: z.union([z.string(), z.array(z.string()).min(1)]),
  options: z.record(z.string().regex(/^\p{L}$|^\d{1,2}$/u), z.string()).optional(),
});

interface Choice {
  /** Labels that are right, in upper case, sorted. */
  readonly labels: readonly string[];
  /** Texts of all options by their labels; empty where they are not known. */
  readonly options: ReadonlyMap<string, string>;
}

/**
 * One option of several, or all that are right, by label: `B`, `(b)`, `Option B`, `B. Paris`, `B and D`. Where the texts of the options are known one may be named by
 * its text, and a label beside the text of another option is wrong. Every further option makes an answer wrong.
 */
export const choiceVerifier: Verifier<Choice, readonly string[]> = {
  expects:
    'labels such as B or "B, D", or an object {correct, options: {A: text, B: text}} that has an option for each',
  parseGold(text) {
    const parsed = parseJson(structured, text) ?? { correct: text, options: undefined };
    const labels = [parsed.correct].flat().map((each) => labelsIn(each));
    const options = new Map(
      Object.entries(parsed.options ?? {}).map(([label, each]) => [label.toUpperCase(), normalize(each)]),
    );
    if (labels.includes(undefined) || new Set(options.values()).size !== options.size) return undefined;
    const found = sorted(labels.flatMap((each) => each ?? []));
    return options.size > 0 && !found.every((label) => options.has(label)) ? undefined : { labels: found, options };
  },
  find: (text) => lastBox(text) ?? behindAnswerIs(text) ?? text.trim().split('\n').at(-1),
  read(answer, _language, { options }) {
    const bare = undress(lastBox(answer) ?? answer).replace(
      /^(?:the\s+)?(?:correct\s+|final\s+)?(?:answer|option|choice)s?(?:\s+(?:is|are))?\s*:?\s+/i,
      '',
    );
    const byText = [...options].find(([, text]) => text === normalize(bare));
    if (byText !== undefined) return [byText[0]];
    const labels = labelsIn(bare);
    if (labels !== undefined) return sorted(labels);
    return labelled(bare, options);
  },
  grade: (gold, labels) => (labels.join() === gold.labels.join() ? correct : wrong),
  spell: (labels) => labels.join(', '),
  spellGold: ({ labels }) => labels.join(', '),
};

/** `B`, `(B)`, `**B**`, `B, D and E`; `undefined` for anything else. */
function labelsIn(text: string): string[] | undefined {
  const parts = undress(text)
    .split(/\s*[,;&/]\s*(?:and\s+|und\s+)?|\s+(?:and|und)\s+/i)
    .slice(0, 100);
  const labels = parts.map((part) =>
    undress(part)
      .replace(/^(?:option|choice)\s+/i, '')
      .replace(/[):.]$/, ''),
  );
  return labels.every((label) => /^(?:[A-Za-z]|\d{1,2})$/.test(label))
    ? labels.map((label) => label.toUpperCase())
    : undefined;
}

/** `B. Paris`: its text must be that of its option, or, where options are not known, name no other label. */
function labelled(text: string, options: Choice['options']): readonly string[] | undefined {
  const [, first = '', rest = ''] = /^\(?([A-Za-z]|\d{1,2})[).:]\s*(\S[^]*)$/.exec(text) ?? [];
  if (first === '') return undefined;
  const label = first.toUpperCase();
  if (options.size > 0) return options.get(label) === normalize(rest) ? [label] : undefined;
  return rest.length > 300 || /(?<![\p{L}\p{N}'’])(?:[A-Z]|[a-z](?=[).:]))(?![\p{L}\p{N}'’])/u.test(rest)
    ? undefined
    : [label];
}

function behindAnswerIs(text: string): string | undefined {
  const found = [
    ...text
      .slice(-2000)
      .matchAll(/\banswers?(?:\s+(?:is|are))?\s*:?\s*(\*{0,2}\(?(?:[A-Z]|\d{1,2})\)?\*{0,2}(?![\p{L}\p{N}])[^\n]*)/giu),
  ];
  return found.at(-1)?.[1];
}

function sorted(labels: readonly string[]): string[] {
  return [...new Set(labels)].toSorted();
}
