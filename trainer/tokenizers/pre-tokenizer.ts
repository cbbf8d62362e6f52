import { UserError } from '../contract/errors.ts';

/** The pattern of GPT-2's byte-level pre-tokenizer, as the `tokenizers` library compiles it. */
const gpt2Pattern = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/**
 * Rewrites the pre-tokenizer of a `tokenizer.json` so that @huggingface/tokenizers 0.2.0 splits as the Rust library
 * does. Its `Digits` knows ASCII digits only and its `ByteLevel` has JavaScript's idea of white space (U+FEFF but not
 * U+0085); its `Split`, which translates patterns from Rust's regular expressions, has neither fault.
 *
 * @param source the file, for messages
 * @throws UserError for a way of splitting that the library would silently do differently
 */
export function faithfulPreTokenizer(preTokenizer: unknown, source: string): unknown {
  if (typeof preTokenizer !== 'object' || preTokenizer === null) return preTokenizer;
  const step = preTokenizer as Record<string, unknown>;
  switch (step['type']) {
    case 'Sequence': {
      const steps = step['pretokenizers'];
      return Array.isArray(steps)
        ? { ...step, pretokenizers: steps.map((inner) => faithfulPreTokenizer(inner, source)) }
        : step;
    }
    case 'Digits':
      return isolate(step['individual_digits'] === true ? String.raw`\p{N}` : String.raw`\p{N}+`);
    case 'ByteLevel':
      // A prefix space belongs before the whole text, not before each piece: such a tokenizer is left as it is.
      if (step['use_regex'] === false || step['add_prefix_space'] === true) return step;
      return { type: 'Sequence', pretokenizers: [isolate(gpt2Pattern), { ...step, use_regex: false }] };
    case 'Split':
      if (step['behavior'] !== 'Isolated' && step['behavior'] !== 'Removed')
        throw new UserError(
          `${source}: its pre-tokenizer splits with behavior ${JSON.stringify(step['behavior'])}; supported: Isolated, Removed`,
        );
      return step;
    default:
      return step;
  }
}

function isolate(pattern: string): Record<string, unknown> {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
}
