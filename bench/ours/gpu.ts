/** Our side of `npm run bench -- gpu`: a training step and, unless `step` alone is asked for, a generation with a model of random weights; prints JSON. */
import { readFileSync } from 'node:fs';
import { randomKey } from '../../trainer/algorithms/random.ts';
import { Engine } from '../../trainer/engine/engine.ts';
import { deviceInWords, engineVersions } from '../../trainer/engine/engine-versions.ts';
import { parseHfConfig } from '../../trainer/models/config.ts';
import { laneDevices } from '../../trainer/runtime/choose-device.ts';
import { peakFlops } from '../../trainer/runtime/gpu-peaks.ts';
import type { GpuWorkload } from '../gpu.ts';
import { noiseWeights } from './noise-weights.ts';

const [, , file = '', only] = process.argv;
const workload = JSON.parse(readFileSync(file, 'utf8')) as GpuWorkload;
const config = { ...parseHfConfig(workload.config, 'the workload'), precision: 'bf16' } as const;
const { rounds } = workload;

const engine = await Engine.create({
  config,
  head: 'lm',
  optimizer: true,
  parameters: noiseWeights(config),
});

const step = await measure(async () => {
  const sequences = Array.from({ length: workload.rows }, (_, row) => {
    const ids = tokens(workload.length, row);
    return { ids, weights: ids.slice(1).map(() => 1 / (workload.rows * workload.length)) };
  });
  await engine.step(
    { loss: 'sft', sequences },
    { learningRate: 1e-5, betas: [0.9, 0.95], epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
  );
});
const generate = async (): Promise<void> => {
  const requests = Array.from({ length: workload.prompts }, (_, index) => ({
    promptIds: tokens(workload.promptLength, 1000 + index),
    key: randomKey('gpu', index),
    sampling: { temperature: 1, topP: 1, topK: 0, maxNewTokens: workload.newTokens },
    stopIds: [],
  }));
  await engine.generate(requests);
};
const generation = only === 'step' ? undefined : await measure(generate);
const mostBytes = (await engine.deviceUse())?.mostBytes;
const { ops } = engineVersions();
console.log(JSON.stringify({ device: deviceInWords('bf16'), ops, step, generation, mostBytes }));
await engine.close();

/** The fastest of some rounds after one that is not counted. */
async function measure(work: () => Promise<void>) {
  await work();
  const found = [];
  for (let round = 0; round < rounds; round++) {
    const before = { use: await engine.deviceUse(), tokens: engine.work.tokens, flops: engine.work.flops };
    const startedMs = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await work();
    const ms = performance.now() - startedMs;
    // oxlint-disable-next-line no-await-in-loop
    const use = await engine.deviceUse();
    const flopsPerSecond = ((engine.work.flops - before.flops) / ms) * 1000;
    found.push({
      seconds: ms / 1000,
      tokensPerSecond: ((engine.work.tokens - before.tokens) / ms) * 1000,
      ...(peak() > 0 && { mfu: flopsPerSecond / peak() }),
      ...(use &&
        before.use && {
          borderBytes: use.borderBytes - before.use.borderBytes,
          dispatchShare: 1 - (use.waitedMs - before.use.waitedMs) / ms,
        }),
    });
  }
  return found.toSorted((a, b) => a.seconds - b.seconds)[0];
}

function peak(): number {
  const peaks = laneDevices().map((device) => (device.kind === 'cuda' ? peakFlops(device.of.name, 'bf16') : undefined));
  return peaks.reduce<number>((sum, each) => sum + (each ?? NaN), 0);
}

function tokens(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, at) => (seed * 7919 + at * 104_729) % config.vocabularySize);
}
