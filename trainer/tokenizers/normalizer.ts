import { UserError } from '../contract/errors.ts';
import { shown } from '../contract/shown.ts';
import { regexOf } from './pattern.ts';

type Step = Record<string, unknown>;

/**
 * Rewrites the normalizer of a `tokenizer.json` so that @huggingface/tokenizers 0.2.0 changes texts as PyPI `tokenizers`
 * does: its `Strip` has JavaScript's idea of white space, its `Lowercase` a form of sigma for the end of a word, and its
 * `Replace` reads `$` in what it puts in.
 *
 * @param source the file, for messages
 * @throws UserError for one that it only comes near to
 */
export function faithfulNormalizer(normalizer: unknown, source: string): unknown {
  return normalizer === null || normalizer === undefined ? null : faithfulStep(normalizer, source);
}

function faithfulStep(normalizer: unknown, source: string): Step {
  if (typeof normalizer !== 'object' || normalizer === null)
    throw new UserError(`${source}: normalizer: found ${shown(normalizer)}, expected an object`);
  const step = normalizer as Step;
  const path = `${source}: normalizer ${shown(step['type'])}`;
  switch (step['type']) {
    case 'Sequence':
      return sequence(list(step['normalizers'], path).map((inner) => faithfulStep(inner, source)));
    case 'Replace':
      return { ...step, pattern: { Regex: regexOf(step['pattern'], path) }, content: literal(step['content']) };
    case 'Strip':
      return sequence([
        ...(step['strip_left'] === true ? [remove(String.raw`\A\s+`)] : []),
        ...(step['strip_right'] === true ? [remove(String.raw`\s+\z`)] : []),
      ]);
    case 'Lowercase':
      return sequence([{ type: 'Replace', pattern: { Regex: 'Σ' }, content: 'σ' }, step]);
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
    case 'StripAccents':
    case 'Prepend':
      return step;
    default:
      throw new UserError(`${path} is not supported`);
  }
}

function sequence(normalizers: unknown[]): Step {
  return { type: 'Sequence', normalizers };
}

function remove(pattern: string): Step {
  return { type: 'Replace', pattern: { Regex: pattern }, content: '' };
}

function literal(content: unknown): string {
  return typeof content === 'string' ? content.replaceAll('$', '$$$$') : '';
}

function list(value: unknown, path: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new UserError(`${path}: found ${shown(value)}, expected a list`);
}
