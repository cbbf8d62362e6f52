import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useBaseStage } from '../../support/base-stage.ts';
import {
  logOf,
  pin,
  beginningOf,
  readResult,
  runStage,
  runToResult,
  tinyModel,
  writeStage,
} from '../../support/trainer.ts';

const root = useBaseStage({ steps: 1, batch: 4 });

const constant = { learningRate: 1e-3, batch: 8, checkpointEvery: 3 };
const grpo = {
  prompts: ['sums'],
  promptsPerStep: 2,
  group: 2,
  stepsPerRollout: 2,
  learningRate: 1e-3,
  kl: { coefficient: 0.1, referenceEvery: 3 },
  sampling: { maxNewTokens: 12 },
  rewards: [{ format: {} }, { random: {} }],
};
const sft = (epochs: number) => ({ sft: { ...constant, data: ['mixture'], epochs, schedule: {} } });

const forgetful = (steps: number) => ({
  pretrain: { ...constant, checkpointEvery: 100, data: ['mixture'], steps, keepOptimizer: false },
});
const linear = (steps: number) => ({
  pretrain: { ...constant, data: ['mixture'], steps, schedule: { kind: 'linear' } },
});

const longer = [
  {
    type: 'pretrain',
    short: { pretrain: { ...constant, data: ['mixture'], steps: 4 } },
    long: { pretrain: { ...constant, data: ['mixture'], steps: 8 } },
    from: 4,
  },
  { type: 'sft', short: sft(1), long: sft(2), from: 25 },
  { type: 'grpo', short: { grpo: { ...grpo, steps: 4 } }, long: { grpo: { ...grpo, steps: 8 } }, from: 4 },
  {
    type: 'rewardModel',
    short: { rewardModel: { ...constant, pairs: ['preferences'], epochs: 1 } },
    long: { rewardModel: { ...constant, pairs: ['preferences'], epochs: 2 } },
    from: 5,
  },
];

test.each(longer)(
  'a finished $type stage that is asked for more goes on from step $from, to the bits of one that was as long from the beginning',
  async ({ type, short, long, from }) => {
    const model = type === 'pretrain' ? tinyModel : { input: await pin(root(), 'base') };
    const whole = await runToResult(root(), { name: `${type}-whole`, stage: type, model, settings: long });
    await runToResult(root(), { name: type, model, settings: short });
    expect(await readdir(join(root(), type))).toContain(`resume-${String(from).padStart(6, '0')}`);

    const ended = await runStage(await writeStage(root(), { name: type, model, settings: long }));
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(beginningOf(ended)).toMatchObject({ step: from });
    const result = await readResult(root(), type);
    expect(result.checkpoint?.digest).toBe(whole.checkpoint?.digest);
    expect(result.metrics).toEqual(whole.metrics);
    expect(await logOf(join(root(), type), 'metrics.jsonl')).toEqual(
      await logOf(join(root(), `${type}-whole`), 'metrics.jsonl'),
    );
    expect((await readdir(join(root(), type))).filter((name) => name.startsWith('resume-'))).toHaveLength(1);
  },
);

test('a stage that keeps nothing to go on from does its steps again, says so, and ends in the same bits', async () => {
  const whole = await readResult(root(), 'pretrain-whole');
  await runToResult(root(), { name: 'forgetful', stage: 'pretrain', settings: forgetful(4) });
  const { code, stderr } = await runStage(
    await writeStage(root(), { name: 'forgetful', stage: 'pretrain', settings: forgetful(8) }),
  );
  expect(code).toBe(0);
  const why = 'its optimizer, which more steps go on from, was not kept (keepOptimizer: true)';
  expect(stderr).toContain(`step-000004: not used: ${why}`);
  const { checkpoint, warnings } = await readResult(root(), 'forgetful');
  const message = `steps are done again, from the first on: step-000004 is not used: ${why}`;
  expect(warnings).toEqual([{ reason: 'DoneAgain', message }]);
  expect(checkpoint?.digest).toBe(whole.checkpoint?.digest);
});

test('a schedule that depends on the number of steps makes another run of a longer one', async () => {
  await runToResult(root(), { name: 'linear', settings: linear(4) });
  expect((await readdir(join(root(), 'linear'))).filter((name) => name.startsWith('resume-'))).toEqual([]);
  const { stderr } = await runStage(await writeStage(root(), { name: 'linear', settings: linear(8) }));
  expect(stderr).toMatch(/step-000004: not used: it was made with other settings/);
});

test('the checkpoint of a longer run is none of a shorter one', async () => {
  const settings = { pretrain: { ...constant, data: ['mixture'], steps: 3 } };
  const { stderr } = await runStage(await writeStage(root(), { name: 'pretrain', settings }));
  expect(stderr).toMatch(/step-000008: not used: it has 8 steps, and 3 are asked for/);
  expect(JSON.parse(await readFile(join(root(), 'pretrain/result.json'), 'utf8'))).toMatchObject({
    checkpoint: { step: 3 },
  });
});
