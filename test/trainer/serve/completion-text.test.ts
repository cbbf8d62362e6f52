import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { assert, array, constantFrom, property, string } from 'fast-check';
import { CompletionText, type Piece } from '../../../trainer/serve/completion-text.ts';
import { cutAtStop } from '../../../trainer/stages/policy/cut-at-stop.ts';
import { useTokenizers } from '../../support/tokenizers.ts';

const load = useTokenizers();
const bytes = async () => load(join(import.meta.dirname, '../../fixtures/trained'));

/** Pieces of a completion with these tokens, the last one included. */
function pieces(text: CompletionText, tokenIds: readonly number[], finish: 'stop' | 'length' = 'length'): Piece[] {
  const all: Piece[] = [];
  for (const token of tokenIds) {
    const piece = text.add({ token, prob: 1 });
    if (piece) all.push(piece);
    if (piece?.finish) return all;
  }
  return [...all, text.end(finish)];
}

const joined = (all: readonly Piece[]) => all.map(({ text }) => text).join('');

test('pieces make the whole text, whatever characters it has, and have all tokens', async () => {
  const tokenizer = await bytes();
  assert(
    property(
      string({ unit: 'grapheme', maxLength: 60 }),
      array(constantFrom('ab', 'b', 'é', '👍'), { maxLength: 3 }),
      (text, stop) => {
        const ids = tokenizer.encode(text);
        const all = pieces(new CompletionText(tokenizer, stop), ids);
        const probs = new Float32Array(ids.length);
        const settings = { ...tokenizer.stop, texts: stop };
        const whole = cutAtStop({ tokenIds: ids, probs, finish: 'length' }, { ...tokenizer, stop: settings });
        expect(joined(all)).toBe(whole.text);
        expect(all.flatMap(({ tokens }) => tokens.map(({ token }) => token))).toEqual(whole.tokenIds);
        expect(all.at(-1)?.finish).toBe(whole.finish);
        expect(all.slice(0, -1).map(({ finish }) => finish)).not.toContain('stop');
      },
    ),
  );
});

test('no piece ends inside of a character, nor with what may become a stop text', async () => {
  const tokenizer = await bytes();
  const all = pieces(new CompletionText(tokenizer, ['<end>']), tokenizer.encode('a👍<en, <end>more'));
  expect(all.map(({ text }) => text)).toEqual(['a', '👍', '<en,', ' ', '']);
  expect(all.at(-1)?.finish).toBe('stop');
});

test('a stop token counts, and is no part of what is told', async () => {
  const tokenizer = await bytes();
  const text = new CompletionText(tokenizer, []);
  const all = pieces(text, [...tokenizer.encode('ab'), tokenizer.stopIds[0] as number], 'stop');
  expect(all.flatMap(({ tokens }) => tokens)).toHaveLength(2);
  expect([joined(all), text.tokens, all.at(-1)?.finish]).toEqual(['ab', 3, 'stop']);
});

test('a long completion is not made anew for each of its tokens', async () => {
  const tokenizer = await bytes();
  let decoded = 0;
  const decode = (ids: readonly number[]): string => {
    decoded += ids.length;
    return tokenizer.decode(ids);
  };
  const all = pieces(new CompletionText({ ...tokenizer, decode }, []), tokenizer.encode('a'.repeat(2000)));
  expect(joined(all)).toHaveLength(2000);
  expect(decoded).toBeLessThan(100 * 2000); // 1000 · 2000 for each of them
});
