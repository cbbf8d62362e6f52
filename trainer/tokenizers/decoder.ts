import { UserError } from '../contract/process/errors.ts';
import { shown } from '../contract/process/shown.ts';
import { regexOf, replacementOf } from './pattern.ts';
import { type Step, stepOf, stepsOf } from './step.ts';

interface Kind {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const text: Kind = { expected: 'a text', holds: (value) => typeof value === 'string' };
const character: Kind = {
  expected: 'one character',
  holds: (value) => typeof value === 'string' && /^.$/su.test(value),
};
const count: Kind = {
  expected: 'a whole number from 0',
  holds: (value) => Number.isInteger(value) && Number(value) >= 0,
};
const flag: Kind = { expected: 'true or false', holds: (value) => typeof value === 'boolean' };

/** What PyPI `tokenizers` 0.23 asks of each kind of decoder. */
const fieldsOf: ReadonlyMap<unknown, Readonly<Record<string, Kind>>> = new Map(
  Object.entries({
    ByteLevel: { add_prefix_space: flag, trim_offsets: flag },
    ByteFallback: {},
    Fuse: {},
    Replace: { content: text },
    Strip: { content: character, start: count, stop: count },
    Metaspace: { replacement: character },
    WordPiece: { prefix: text, cleanup: flag },
    BPEDecoder: { suffix: text },
    CTC: { pad_token: text, word_delimiter_token: text, cleanup: flag },
  }),
);

/**
 * Checks the decoder of a `tokenizer.json` as PyPI `tokenizers` does, and rewrites it so that @huggingface/tokenizers 0.2.0
 * puts texts in as they stand.
 *
 * @param source the file, for messages
 * @throws UserError for one that the reference refuses
 */
export function faithfulDecoder(decoder: unknown, source: string): unknown {
  return decoder === null || decoder === undefined ? null : faithfulStep(decoder, `${source}: decoder`);
}

function faithfulStep(decoder: unknown, path: string): Step {
  const step = stepOf(decoder, path);
  const type = step['type'];
  if (type === 'Sequence') return sequence(step['decoders'], `${path}.decoders`);
  const fields = fieldsOf.get(type);
  if (fields === undefined)
    throw new UserError(
      `${path}.type: found ${shown(type)}, supported: ${[...fieldsOf.keys(), 'Sequence'].join(', ')}`,
    );
  for (const [key, { expected, holds }] of Object.entries(fields)) {
    if (!holds(step[key])) throw new UserError(`${path}.${key}: found ${shown(step[key])}, expected ${expected}`);
  }
  if (type !== 'Replace') return step;
  return { ...step, pattern: { Regex: regexOf(step['pattern'], path) }, content: replacementOf(step['content']) };
}

function sequence(decoders: unknown, path: string): Step {
  return {
    type: 'Sequence',
    decoders: stepsOf(decoders, path).map((inner, at) => faithfulStep(inner, `${path}[${at}]`)),
  };
}
