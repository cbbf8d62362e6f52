import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readAdapter } from '../../../trainer/checkpoint/adapter-directory.ts';
import { readModelDirectory } from '../../../trainer/checkpoint/model-directory.ts';
import type { StageResult } from '../../../trainer/contract/files/progress.ts';
import { type Head, parseHfConfig } from '../../../trainer/models/config.ts';
import { adapterMerger } from '../../../trainer/models/merge-adapters.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { adapters } from '../../support/random-model.ts';
import { useBaseStage } from '../../support/base-stage.ts';
import {
  beginningOf,
  lines,
  logOf,
  pin,
  readResult,
  runStage,
  runToResult,
  writeStage,
} from '../../support/trainer.ts';
import { placeIn, readFlat } from '../../support/flat-parameters.ts';

const root = useBaseStage({ steps: 12, batch: 8 });

const lora = adapters(4);
const settings = {
  sft: { data: ['mixture'], epochs: 1, batch: 25, checkpointEvery: 2, learningRate: 1e-2, lora },
  grpo: {
    prompts: ['sums'],
    steps: 6,
    promptsPerStep: 2,
    group: 4,
    stepsPerRollout: 2,
    learningRate: 1e-2,
    kl: { coefficient: 0.1, referenceEvery: 3 },
    sampling: { maxNewTokens: 12 },
    rewards: [{ format: {} }, { random: {} }],
    checkpointEvery: 4,
    lora,
  },
  rewardModel: { pairs: ['preferences'], batch: 5, learningRate: 1e-2, checkpointEvery: 2, lora },
} as const;
type Type = keyof typeof settings;
const heads: Record<Type, Head> = { sft: 'lm', grpo: 'lm', rewardModel: 'scalar' };

async function stage(name: string, type: Type, changes: object = {}) {
  return {
    name,
    stage: type,
    model: { input: await pin(root(), 'base') },
    settings: { [type]: { ...settings[type], ...changes } },
  };
}

const wholeRuns = new Map<Type, Promise<StageResult>>();

/** A run in `<type>-whole` that nothing disturbed. */
function undisturbed(type: Type): Promise<StageResult> {
  const whole = wholeRuns.get(type) ?? stage(`${type}-whole`, type).then((each) => runToResult(root(), each));
  wholeRuns.set(type, whole);
  return whole;
}

test.each(['sft', 'grpo', 'rewardModel'] as const)(
  'a %s stage writes what its base becomes with its adapters, and these beside it',
  async (type) => {
    const { checkpoint } = await undisturbed(type);
    const directory = checkpoint!.path;
    expect((await readdir(join(directory, 'adapter'))).toSorted()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
    ]);
    const head = heads[type];
    const base = await readModelDirectory((await pin(root(), 'base')).path);
    const merged = await readModelDirectory(directory);
    const plain = parseHfConfig(base.config, 'base');
    const [stored, layout] = [parameterLayout(plain, head), parameterLayout({ ...plain, lora }, head)];
    const parameters = new Float32Array(layout.size);
    const valuesOf = placeIn(parameters);
    await base.readParameters(stored, valuesOf, ['score.weight']);
    const trained = layout.tensors.filter((tensor) => tensor.trained);
    await readAdapter(join(directory, 'adapter'), trained, valuesOf);
    const merge = adapterMerger({ ...plain, lora }, layout, async (tensor) => valuesOf(tensor));
    const written = await readFlat(merged, stored);
    for (const tensor of stored.tensors) expect(placeIn(written)(tensor)).toEqual(await merge(tensor.name));
    expect(written.subarray(0, layout.frozen)).not.toEqual(parameters.subarray(0, layout.frozen));
  },
);

test('samples have the probabilities that training gives them, and the start is the reference', async () => {
  await runToResult(root(), await stage('agree', 'grpo', { stepsPerRollout: 1, steps: 3 }));
  const steps = (await lines(join(root(), 'agree', 'metrics.jsonl'))).map(
    (line) => JSON.parse(line) as Record<string, number>,
  );
  expect(steps.map((step) => step['sampling/sampling_logp_difference/max'])).toEqual([0, 0, 0]);
  expect(steps[0]!['kl']).toBe(0);
  expect(steps[1]!['kl']).toBeGreaterThan(0);
});

test.each([
  { type: 'sft', done: 5, saved: 4, steps: 8 },
  { type: 'grpo', done: 5, saved: 4, steps: 6 },
  { type: 'rewardModel', done: 5, saved: 4, steps: 8 },
] as const)(
  'a $type stage killed at step $done goes on from step $saved to the bits of one that was not',
  async ({ type, done, saved }) => {
    const whole = await undisturbed(type);
    const file = await writeStage(root(), await stage(`${type}-killed`, type));
    const killed = await runStage(file, {
      file: join(root(), `${type}-killed`, 'metrics.jsonl'),
      holds: `"step":${done},`,
    });
    expect(killed.signal).toBe('SIGKILL');
    const ended = await runStage(file);
    expect(ended).toMatchObject({ code: 0 });
    expect(beginningOf(ended)).toMatchObject({ step: saved });
    const result = await readResult(root(), `${type}-killed`);
    expect(result.checkpoint?.digest).toBe(whole.checkpoint?.digest);
    expect(await logOf(join(root(), `${type}-killed`), 'metrics.jsonl')).toEqual(
      await logOf(join(root(), `${type}-whole`), 'metrics.jsonl'),
    );
  },
);

test('a finished stage that is asked for more goes on, and the workers change nothing', async () => {
  const whole = await undisturbed('grpo');
  await runToResult(root(), await stage('longer', 'grpo', { steps: 4 }));
  const longer = { ...(await stage('longer', 'grpo')), workers: 1 };
  const ended = await runStage(await writeStage(root(), longer));
  expect(ended).toMatchObject({ code: 0 });
  expect(beginningOf(ended)).toMatchObject({ step: 4 });
  expect((await readResult(root(), 'longer')).checkpoint?.digest).toBe(whole.checkpoint?.digest);
});

test('the next stage starts from the merged model, and other adapters make another checkpoint', async () => {
  const first = await undisturbed('sft');
  const next = { ...(await stage('next', 'sft')), model: { input: await pin(root(), 'sft-whole') } };
  const { checkpoint } = await runToResult(root(), next);
  const manifest = JSON.parse(await readFile(join(checkpoint!.path, 'checkpoint.json'), 'utf8')) as { parent: object };
  expect(manifest.parent).toMatchObject({ digest: first.checkpoint?.digest });
  const wider = await runToResult(root(), await stage('wider', 'sft', { lora: adapters(5) }));
  expect(wider.checkpoint?.digest).not.toBe(first.checkpoint?.digest);
});
