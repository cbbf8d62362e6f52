import { UserError } from '../contract/process/errors.ts';
import { shown } from '../contract/process/shown.ts';
import { regexOf } from './pattern.ts';
import { type Step, stepOf, stepsOf } from './step.ts';

/** The pattern of GPT-2's byte-level pre-tokenizer, as the `tokenizers` library compiles it. */
const gpt2Pattern = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
/** `\w` of Rust's regular expressions, which is not that of the others: it has the joiners, and no superscripts. */
const word = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}`;
const punctuation = String.raw`[\p{P}!-/:-@\[-${'`'}{-~]`;

/**
 * Rewrites the pre-tokenizer of a `tokenizer.json` so that @huggingface/tokenizers 0.2.0 splits as PyPI `tokenizers`
 * does. Most of its kinds know ASCII, or have JavaScript's idea of white space (U+FEFF but not U+0085); its `Split`, which
 * translates patterns from Rust's regular expressions, has neither fault.
 *
 * @param source the file, for messages
 * @throws UserError for a way of splitting that the library would silently do differently
 */
export function faithfulPreTokenizer(preTokenizer: unknown, source: string): unknown {
  return preTokenizer === null || preTokenizer === undefined ? null : faithfulStep(preTokenizer, source);
}

function faithfulStep(preTokenizer: unknown, source: string): Step {
  const step = stepOf(preTokenizer, `${source}: pre_tokenizer`);
  const path = `${source}: pre_tokenizer ${shown(step['type'])}`;
  switch (step['type']) {
    case 'Sequence':
      return sequence(stepsOf(step['pretokenizers'], path).map((inner) => faithfulStep(inner, source)));
    case 'Digits':
      return isolate(step['individual_digits'] === true ? String.raw`\p{N}` : String.raw`\p{N}+`);
    case 'ByteLevel':
      // A prefix space belongs before the whole text, not before each piece: such a tokenizer is left as it is.
      if (step['use_regex'] === false || step['add_prefix_space'] === true) return step;
      return sequence([isolate(gpt2Pattern), { ...step, use_regex: false }]);
    case 'Whitespace':
      return keep(String.raw`[${word}]+|[^${word}\s]+`);
    case 'WhitespaceSplit':
      return keep(String.raw`\S+`);
    case 'BertPreTokenizer':
      return sequence([keep(String.raw`\S+`), isolate(punctuation)]);
    case 'Punctuation':
      return split({ behavior: 'Isolated', ...step, pattern: { Regex: punctuation } }, path);
    case 'Metaspace':
      return metaspace(step);
    case 'Split':
      return split(step, path);
    default:
      throw new UserError(`${path} is not supported`);
  }
}

function split(step: Step, path: string): Step {
  const { behavior, invert } = step;
  const regex = regexOf(step['pattern'], path);
  if (invert === true && behavior === 'Removed') return keep(regex);
  if (invert !== true && behavior === 'Isolated') return isolate(regex);
  if (invert !== true && behavior === 'Contiguous') return isolate(`(?:${regex})+`);
  if (invert !== true && behavior === 'MergedWithPrevious') return isolate(String.raw`[\s\S]*?(?:${regex})`);
  if (invert !== true && behavior === 'MergedWithNext') return isolate(String.raw`(?:${regex})(?:(?!${regex})[\s\S])*`);
  // A captured group would come back between the pieces.
  if (invert !== true && behavior === 'Removed' && !/(^|[^\\])\((?!\?)/.test(regex))
    return { type: 'Split', pattern: { Regex: regex }, behavior: 'Removed', invert: false };
  const inverted = invert === true ? ', inverted' : '';
  throw new UserError(
    `${path} splits with behavior ${shown(behavior)}${inverted}; supported: without inversion, or "Removed"`,
  );
}

/** `split` (the default) cuts before every mark; files of old versions say `add_prefix_space` instead of a scheme. */
function metaspace(step: Step): Step {
  const mark = typeof step['replacement'] === 'string' ? step['replacement'] : '▁';
  const scheme = step['prepend_scheme'] ?? (step['add_prefix_space'] === false ? 'never' : 'always');
  const marked = { type: 'Metaspace', replacement: mark, prepend_scheme: scheme };
  return step['split'] === false ? marked : sequence([marked, isolate(`${mark}[^${mark}]*`)]);
}

function sequence(pretokenizers: unknown[]): Step {
  return { type: 'Sequence', pretokenizers };
}

/** Cuts out what matches, and keeps what is between. */
function isolate(pattern: string): Step {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
}

/** Keeps what matches alone. */
function keep(pattern: string): Step {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Removed', invert: true };
}
