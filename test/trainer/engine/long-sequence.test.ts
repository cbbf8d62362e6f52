import { expect, test } from '@jest/globals';
import { tinyConfig, tokenIds } from '../../support/random-model.ts';
import { testWithOps } from '../../support/with-ops.ts';
import { stepSettings, tinyEngine } from './tiny-engine.ts';

const length = 32_768;

// Scores of all pairs of tokens would be 8 GiB.
(process.env['R1_LONG_TESTS'] === '1' ? testWithOps : test.skip)(
  `a sequence of ${length} tokens is trained as short ones are (skipped without R1_LONG_TESTS=1)`,
  async () => {
    const config = tinyConfig({ maxLength: length, heads: 2, kvHeads: 1, layers: 1 });
    const engine = await tinyEngine({ config, optimizer: true });
    const ids = tokenIds(length, config.vocabularySize);
    const batch = { loss: 'sft', sequences: [{ ids, weights: ids.slice(1).map(() => 1 / (length - 1)) }] } as const;
    const { loss, probs } = await engine.step(batch, stepSettings);
    expect(probs[0]).toHaveLength(length - 1);
    expect(loss).toBeCloseTo(-probs[0]!.reduce((sum, prob) => sum + Math.log(prob) / (length - 1), 0), 3);
  },
  900_000, // ten seconds where nothing else runs
);
