import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { placeOfStop } from '../../../trainer/rollout/stop-watch.ts';
import { cutAtStop } from '../../../trainer/stages/policy/cut-at-stop.ts';
import type { Tokenizer } from '../../../trainer/tokenizers/tokenizer.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { useTokenizers } from '../../support/tokenizers.ts';

const fixture = new URL('../../fixtures/tokenizers/kinds.json', import.meta.url);
const { model, kinds } = JSON.parse(readFileSync(fixture, 'utf8')) as {
  readonly model: object;
  readonly kinds: Readonly<Record<string, object>>;
};

const directory = useTemporaryDirectory();
const loadTokenizer = useTokenizers();

async function open(kind: string, stop: readonly string[]): Promise<Tokenizer> {
  await writeFile(join(directory(), 'tokenizer.json'), JSON.stringify({ model, ...kinds[kind] }));
  await writeFile(join(directory(), 'config.json'), JSON.stringify({ eos_token_id: 1 }));
  return loadTokenizer(directory(), { stop: [...stop] });
}

function place(tokenIds: readonly number[], { stop: { texts, pieces = [] } }: Tokenizer): number {
  return placeOfStop(tokenIds, { stopIds: [], stopTexts: { texts, pieces } });
}

const sentencePiece = ['byte fallback', 'byte fallback, llama 2', 'metaspace always, split', 'unigram'];

test.each(sentencePiece)('%s: a stop text is found where its last token is written', async (kind) => {
  const tokenizer = await open(kind, ['b\n\nc', 'foo bar']);
  for (const text of ['a  b\n\nc', 'a foo bar b']) {
    const tokenIds = tokenizer.encode(text);
    const found = place(tokenIds, tokenizer);
    expect(found).toBeGreaterThanOrEqual(0);
    expect(tokenizer.decode(tokenIds.slice(0, found + 1))).toMatch(/b\n\nc|foo bar/);
    expect(tokenizer.decode(tokenIds.slice(0, found))).not.toMatch(/b\n\nc|foo bar/);
  }
});

test.each(sentencePiece)(
  '%s: a completion that ends at its stop text is the one that goes on and is cut',
  async (kind) => {
    const tokenizer = await open(kind, ['\n\n', 'b f', 'oo']);
    const token = fc.nat({ max: tokenizer.vocabularySize });
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 20 }), (tokenIds) => {
        const whole = {
          tokenIds,
          probs: Float32Array.from(tokenIds, (_, at) => 1 / (at + 1)),
          finish: 'length' as const,
        };
        const end = place(tokenIds, tokenizer);
        const sampled =
          end < 0
            ? whole
            : { tokenIds: tokenIds.slice(0, end + 1), probs: whole.probs.slice(0, end + 1), finish: 'stop' as const };
        expect(cutAtStop(sampled, tokenizer)).toEqual(cutAtStop(whole, tokenizer));
      }),
      { numRuns: 300 },
    );
  },
);

test('where the blank that a stop text begins with may be dropped, decoding alone finds it', async () => {
  expect((await open('metaspace always, split', [' b'])).stop.pieces).toBeUndefined();
  expect((await open('lowercase', [' b'])).stop.pieces).toBeDefined();
});
