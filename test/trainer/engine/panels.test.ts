import { beforeEach, describe, expect } from '@jest/globals';
import type { Engine } from '../../../trainer/engine/engine.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { fromFlat, parametersOf } from '../../support/flat-parameters.ts';
import { tinyConfig } from '../../support/random-model.ts';
import { testWithOps } from '../../support/with-ops.ts';
import { flatParameters, requests, stepSettings, supervisedBatch, tinyEngine } from './tiny-engine.ts';

const asked = requests(20, { temperature: 0.8 });

describe.each(['f32', 'bf16'] as const)('in %s', (precision) => {
  /** Every matrix of it can lie in panels. */
  const config = tinyConfig({
    family: 'llama',
    hiddenSize: 64,
    intermediateSize: 96,
    headDim: 16,
    vocabularySize: 128,
    precision,
  });
  const layout = parameterLayout(config, 'lm');

  /** One generates from panels; the other, a few at a time, from the weights as they are. */
  let engine: Engine;
  let plain: Engine;

  beforeEach(async () => {
    engine = await tinyEngine({ config, optimizer: true, workers: 2, runtime: 'ops' });
    plain = await tinyEngine({ config, runtime: 'ops' });
  });

  testWithOps('completions of weights in panels are those of the weights', async () => {
    await generatesAlike();
  });

  testWithOps('they are those of the newest weights after a step', async () => {
    await engine.generate(requests(20));
    await engine.step(supervisedBatch(4), stepSettings);
    await plain.writeParameters('policy', fromFlat(layout, await parametersOf(engine)));
    await generatesAlike();
  });

  testWithOps('they are those of new weights and of the set that is asked for', async () => {
    const other = flatParameters(config, 'lm').map((value) => value * 1.5);
    for (const each of [engine, plain]) {
      // oxlint-disable-next-line no-await-in-loop -- one engine after the other
      await each.generate(requests(20));
      await each.copyParameters('policy', 'before');
      // oxlint-disable-next-line no-await-in-loop
      await each.writeParameters('policy', fromFlat(layout, other));
    }
    await generatesAlike('policy');
    await generatesAlike('before');
    for (const each of [engine, plain]) await each.copyParameters('policy', 'before');
    await generatesAlike('before');
  });

  testWithOps('they are those of a set that was generated with before a step of the policy', async () => {
    for (const each of [engine, plain]) await each.copyParameters('policy', 'before');
    await engine.generate(requests(20), { set: 'before' });
    await engine.step(supervisedBatch(4), stepSettings);
    await generatesAlike('before');
  });

  testWithOps('a step is the same after panels lay where its gradient is summed', async () => {
    const fresh = await tinyEngine({ config, optimizer: true, workers: 2, runtime: 'ops' });
    await engine.generate(requests(20));
    for (const each of [engine, fresh]) await each.step(supervisedBatch(4), stepSettings); // oxlint-disable-line no-await-in-loop
    expect(await parametersOf(engine)).toEqual(await parametersOf(fresh));
  });

  testWithOps(
    'they are those of the weights where there is no gradient, in whose memory panels could lie',
    async () => {
      const sampler = await tinyEngine({ config, workers: 2, runtime: 'ops' });
      expect(await sampler.generate(asked)).toEqual(await ofWeightsAsTheyAre('policy'));
    },
  );

  async function generatesAlike(set = 'policy'): Promise<void> {
    expect(await engine.generate(asked, { set })).toEqual(await ofWeightsAsTheyAre(set));
  }

  /** So few at a time that no weights are packed. */
  async function ofWeightsAsTheyAre(set: string): Promise<unknown[]> {
    const completions: unknown[] = [];
    for (let at = 0; at < asked.length; at += 4) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other is what keeps them few
      completions.push(...(await plain.generate(asked.slice(at, at + 4), { set })));
    }
    return completions;
  }
});
