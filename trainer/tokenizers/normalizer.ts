import { UserError } from '../contract/process/errors.ts';
import { shown } from '../contract/process/shown.ts';
import { regexOf, replacementOf } from './pattern.ts';
import { type Step, stepOf, stepsOf } from './step.ts';

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
  const step = stepOf(normalizer, `${source}: normalizer`);
  const path = `${source}: normalizer ${shown(step['type'])}`;
  switch (step['type']) {
    case 'Sequence':
      return sequence(stepsOf(step['normalizers'], path).map((inner) => faithfulStep(inner, source)));
    case 'Replace':
      return { ...step, pattern: { Regex: regexOf(step['pattern'], path) }, content: replacementOf(step['content']) };
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
