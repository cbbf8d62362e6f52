import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { mean } from '../../../../trainer/algorithms/statistics.ts';
import { useBaseStage } from '../../../support/base-stage.ts';
import { lines, pin, readResult, runToResult } from '../../../support/trainer.ts';

const root = useBaseStage({ steps: 20, batch: 16 });

interface Settings {
  readonly [name: string]: unknown;
}

async function train(name: string, settings: Settings, more: object = {}): Promise<Record<string, number>[]> {
  await runToResult(root(), {
    name,
    model: { input: await pin(root(), 'base') },
    settings: {
      grpo: {
        prompts: ['sums'],
        steps: 1,
        promptsPerStep: 4,
        group: 4,
        learningRate: 1e-3,
        sampling: { maxNewTokens: 16 },
        rewards: [{ random: {} }],
        ...settings,
      },
    },
    ...more,
  });
  return (await lines(join(root(), name, 'metrics.jsonl'))).map((line) => JSON.parse(line) as Record<string, number>);
}

test('the first on-policy update has ratio 1, no clipping, policy loss 0 and a gradient', async () => {
  const [first = {}] = await train('first', {});
  expect(first['clip_ratio/region_mean']).toBe(0);
  expect(first['kl']).toBe(0);
  expect(Math.abs(first['policy_loss'] ?? NaN)).toBeLessThan(1e-7); // the advantages of a group cancel up to rounding
  expect(first['grad_norm']).toBeGreaterThan(0);
  expect(first['sampling/sampling_logp_difference/max']).toBe(0);
});

test('groups with equal rewards have a gradient of exactly 0', async () => {
  const [step = {}] = await train('equal', {
    rewards: [{ length: { max: 100, soft: 10 } }],
    kl: { coefficient: 0 },
  });
  expect(step['frac_reward_zero_std']).toBe(1);
  expect(step['grad_norm']).toBe(0);
});

test('a learning rate of 0 leaves every bit of the weights', async () => {
  await train('still', { learningRate: 0, steps: 2 });
  const [before, after] = await Promise.all([weights('base', 'step-000020'), weights('still', 'step-000002')]);
  expect(after.equals(before)).toBe(true);
});

test('optimizer steps are rollouts × mini-batches × epochs, and sampler and trainer agree in each', async () => {
  const steps = await train('mini', { steps: 8, promptsPerStep: 2, stepsPerRollout: 2, epochsPerRollout: 2 });
  expect(steps).toHaveLength(8);
  expect(new Set(steps.map(({ reward }) => reward)).size).toBe(2);
  expect(steps.map((step) => step['sampling/sampling_logp_difference/max'])).toEqual(Array(8).fill(0));
  expect(steps[3]?.['kl']).toBeGreaterThan(0);
  const inRollout = (first: number) => steps.slice(first, first + 4).map(({ num_tokens: tokens }) => tokens);
  for (const first of [0, 4]) expect(inRollout(first)).toEqual([expect.any(Number), undefined, undefined, undefined]);
});

test('a stage of which no group has a signal says so, and still succeeds', async () => {
  const settings = { rewards: [{ length: { max: 100, soft: 10 } }], steps: 5 };
  await train('silent', settings);
  const { outcome, warnings } = await readResult(root(), 'silent');
  expect(outcome).toBe('succeeded');
  expect(warnings).toEqual([
    { reason: 'NoSignal', message: expect.stringMatching(/^no completion has been rewarded since step 1 /) },
  ]);
});

test.each(['dr_grpo', 'dapo', 'gspo', 'cispo'])('the loss %s learns on the same rollout', async (loss) => {
  const [step = {}] = await train(loss, { loss });
  expect(step['grad_norm']).toBeGreaterThan(0);
});

test('with gspo the ratios of completions are clipped once the policy has moved, all tokens of one or none', async () => {
  const [first = {}, second = {}] = await train('gspo-late', {
    loss: 'gspo',
    steps: 2,
    epochsPerRollout: 2,
    clip: { low: 3e-4, high: 4e-4 },
  });
  expect(first['clip_ratio/region_mean']).toBe(0);
  expect(second['clip_ratio/region_mean']).toBeGreaterThan(0);
  expect(first['sampling/sampling_logp_difference/max']).toBe(0);
});

test('the number of workers changes no bit', async () => {
  const digests: (string | undefined)[] = [];
  for (const workers of [1, 3]) {
    await train(`workers-${workers}`, { steps: 3, curriculum: {} }, { workers, stage: 'workers' });
    digests.push((await readResult(root(), `workers-${workers}`)).checkpoint?.digest);
  }
  expect(digests[0]).toBe(digests[1]);
});

test('the reference is replaced every N steps', async () => {
  const steps = await train('reference', { steps: 4, kl: { coefficient: 0.1, referenceEvery: 2 } });
  expect(steps.map(({ ref_refresh }) => ref_refresh)).toEqual([0, 1, 0, 1]);
  expect(steps.map(({ kl = NaN }) => kl > 0)).toEqual([false, true, false, true]);
});

test('completions that were cut off are not trained where they are masked', async () => {
  const cut = { kl: { coefficient: 0 }, sampling: { maxNewTokens: 2 } };
  const [trained = {}] = await train('cut', cut, { stage: 'cut' });
  const [masked = {}] = await train('masked', { ...cut, maskTruncated: true }, { stage: 'cut' });
  expect([trained, masked].map((step) => step['completions/clipped_ratio'])).toEqual([1, 1]);
  expect(masked['reward']).toBe(trained['reward']);
  expect(trained['grad_norm']).toBeGreaterThan(0);
  expect(masked['grad_norm']).toBe(0);
});

test('a schedule has shorter completions until its step', async () => {
  const lengthSchedule = [{ untilStep: 2, maxNewTokens: 3 }];
  const steps = await train('scheduled', { steps: 3, lengthSchedule });
  expect(steps.map((step) => (step['completions/max_length'] ?? NaN) <= 3)).toEqual([true, true, false]);
});

test('with dynamic sampling all that was drawn is counted, and the step is as large as without', async () => {
  const silent = { rewards: [{ length: { max: 100, soft: 10 } }] };
  const [once = {}] = await train('one-round', silent, { stage: 'rounds' });
  const [again = {}] = await train(
    'three-rounds',
    { ...silent, dynamicSampling: { maxRounds: 3 } },
    { stage: 'rounds' },
  );
  expect(again['num_gen_batches']).toBe(3);
  expect(again['num_tokens']).toBeGreaterThan(2 * (once['num_tokens'] ?? NaN));
  expect(again['grad_norm']).toBe(0);
});

test('a teacher that is the policy itself teaches nothing, another draws the policy to it', async () => {
  const settings = { rewards: [{ format: { weight: 0 } }], kl: { coefficient: 0 }, distillation: { from: 'teacher' } };
  const own = { inputs: { teacher: await pin(root(), 'base') } };
  const [same = {}] = await train('own-teacher', settings, own);
  expect([same['teacher_kl'], same['grad_norm']]).toEqual([0, 0]);

  await runToResult(root(), {
    name: 'student',
    settings: { pretrain: { data: ['mixture'], steps: 4, batch: 16 } },
  });
  const student = { ...own, model: { input: await pin(root(), 'student') } };
  const steps = await train('distilled', { ...settings, promptsPerStep: 8, steps: 12 }, student);
  const gaps = steps.map((step) => step['teacher_kl'] ?? NaN);
  expect(mean(gaps.slice(-4))).toBeLessThan(0.8 * mean(gaps.slice(0, 4)));
  expect((await readResult(root(), 'distilled')).warnings ?? []).toEqual([]);
});

test('a reference that is mixed lies between the old one and the policy', async () => {
  const kls = [];
  for (const referenceMixup of [1, 0.5]) {
    const kl = { coefficient: 0.1, referenceEvery: 1, referenceMixup };
    const steps = await train(`mixed-${referenceMixup}`, { steps: 2, kl }, { stage: 'mixed' });
    kls.push(steps.map((step) => step['kl'] ?? NaN));
  }
  const [replaced = [], mixed = []] = kls;
  expect(replaced).toEqual([0, 0]);
  expect(mixed[0]).toBe(0);
  expect(mixed[1]).toBeGreaterThan(0);
});

test('a KL in the reward is taken from it, and is not in the loss', async () => {
  const kl = { coefficient: 0.1, estimator: 'k1', place: 'reward' };
  const [first = {}, second = {}] = await train('kl-in-reward', { steps: 2, kl });
  expect(first['reward_kl_penalty']).toBe(0);
  expect(second['reward_kl_penalty']).not.toBe(0);
  expect(second['loss']).toBeCloseTo(second['policy_loss'] ?? NaN, 6);
});

test.each([
  { name: 'a bonus for entropy', entropy: { coefficient: 0.01 }, coefficient: 0.01 },
  { name: 'an entropy below its band', entropy: { coefficient: 0.01, band: { low: 90, high: 99 } }, coefficient: 0.01 },
  {
    name: 'an entropy above its band',
    entropy: { coefficient: 0.01, band: { low: 0, high: 1e-9 } },
    coefficient: -0.01,
  },
  { name: 'an entropy within its band', entropy: { coefficient: 0.01, band: { low: 0, high: 99 } }, coefficient: 0 },
])('$name moves groups without signal where it acts', async ({ entropy, coefficient, name }) => {
  const silent = { rewards: [{ length: { max: 100, soft: 10 } }], kl: { coefficient: 0 } };
  const [step = {}] = await train(name.replaceAll(' ', '-'), { ...silent, entropy });
  expect(step['entropy_coef']).toBe(coefficient);
  expect((step['grad_norm'] ?? 0) > 0).toBe(coefficient !== 0);
});

test('where only tokens of high entropy learn, the gradient is another, and sampler and trainer agree', async () => {
  const [all = {}] = await train('all-tokens', {}, { stage: 'top' });
  const [top = {}] = await train('top-tokens', { entropy: { topQuantile: 0.2 } }, { stage: 'top' });
  expect(top['reward']).toBe(all['reward']);
  expect(top['grad_norm']).toBeGreaterThan(0);
  expect(top['grad_norm']).not.toBe(all['grad_norm']);
  expect(top['sampling/sampling_logp_difference/max']).toBe(0);
});

test('without a KL coefficient no reference is kept; asked for, it is reported and changes no bit', async () => {
  const steps = { steps: 2, checkpointEvery: 1 };
  const [plain = {}] = await train('no-kl', { ...steps, kl: { coefficient: 0 } });
  const reported = await train('kl-reported', { ...steps, kl: { coefficient: 0, report: true } }, { stage: 'no-kl' });
  expect(Object.keys(plain)).not.toEqual(expect.arrayContaining(['kl']));
  expect(Object.keys(plain)).not.toEqual(expect.arrayContaining(['ref_refresh']));
  expect(reported[1]?.['kl']).toBeGreaterThan(0);
  expect(await resumeBytes('no-kl')).toBeLessThan(0.7 * (await resumeBytes('kl-reported')));
  const [without, withKl] = await Promise.all([weights('no-kl', 'step-000002'), weights('kl-reported', 'step-000002')]);
  expect(without.equals(withKl)).toBe(true);
});

test('sampling that the loss cannot follow exactly, and a length that the context cannot hold, are warned of', async () => {
  await train('warned', { sampling: { maxNewTokens: 500, topP: 0.9, topK: 20 } });
  expect((await readResult(root(), 'warned')).warnings).toEqual([
    { reason: 'TruncatedSampling', message: expect.stringContaining('sampling with topP 0.9 and topK 20 leaves out') },
    {
      reason: 'ContextTooShort',
      message: expect.stringContaining('sampling.maxNewTokens is 500; the context of the model holds 128 tokens'),
    },
  ]);
});

async function resumeBytes(stage: string): Promise<number> {
  return (await stat(join(root(), stage, 'step-000001/trainer/resume.safetensors'))).size;
}

function weights(stage: string, step: string): Promise<Buffer> {
  return readFile(join(root(), stage, step, 'model.safetensors'));
}
