import { randomKey } from '../../trainer/algorithms/random.ts';
import type { Engine } from '../../trainer/engine/engine.ts';
import type { GenerateWorkload } from '../workload.ts';
import { readWorkload, serve, startEngine, type Work } from './serve.ts';

/** Completions of full length: greedy for the comparison of tokens, sampled for the timing. */
function prepare(engine: Engine, { promptIds, newTokens, seed }: GenerateWorkload): Work {
  let rounds = 0;
  const generate = (temperature: number) => {
    rounds++;
    const sampling = { temperature, topP: 1, topK: 0, maxNewTokens: newTokens };
    return engine.generate(
      promptIds.map((prompt, row) => ({
        promptIds: prompt,
        key: randomKey(seed, 'generate', rounds, row),
        sampling,
        stopIds: [],
      })),
    );
  };
  return {
    repeat: () => generate(1),
    async check() {
      const completions = await generate(0);
      return { tokens: completions.map(({ tokenIds }) => tokenIds) };
    },
  };
}

const workload = readWorkload() as GenerateWorkload;
const engine = await startEngine(workload, { optimizer: false });
await serve(engine, prepare(engine, workload));
