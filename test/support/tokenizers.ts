import { afterEach } from '@jest/globals';
import { loadTokenizer, type Tokenizer } from '../../trainer/tokenizers/tokenizer.ts';

/** A `loadTokenizer` whose tokenizers are closed after each test. */
export function useTokenizers(): typeof loadTokenizer {
  const opened: Tokenizer[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(async (tokenizer) => tokenizer.close()));
  });
  return async (...settings) => {
    const tokenizer = await loadTokenizer(...settings);
    opened.push(tokenizer);
    return tokenizer;
  };
}
