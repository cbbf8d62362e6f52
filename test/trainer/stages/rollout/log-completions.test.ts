import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { grpo } from '../../../../trainer/contract/settings/settings.ts';
import { correct } from '../../../../trainer/rewards/verifiers/verifier.ts';
import { logCompletions } from '../../../../trainer/stages/rollout/log-completions.ts';
import type { JudgedCompletion } from '../../../../trainer/stages/rollout/rollout.ts';
import { StageLog } from '../../../../trainer/stages/workspace/stage-log.ts';
import { useTemporaryDirectory } from '../../../support/temporary-directory.ts';
import { lines } from '../../../support/trainer.ts';

const directory = useTemporaryDirectory();

const settingsOf = (completions: object, stepsPerRollout = 1) =>
  grpo.parse({ prompts: ['sums'], steps: 100, group: 2, stepsPerRollout, rewards: [{ accuracy: {} }], completions });

/** Two completions of each of three prompts. */
const judged = ['a', 'a', 'b', 'b', 'c', 'c'].map((id, at): JudgedCompletion => ({
  row: { id, dataset: 'sums', domain: 'reasoning', messages: [{ role: 'user', content: `${id}?` }] } as never,
  key: [0, 0] as never,
  promptIds: [1],
  completionIds: [2, 3],
  oldProbs: new Float32Array([0.5, 0.5]),
  opening: '<think>',
  text: `<think>${at}`,
  tokens: 2,
  terminated: at % 2 === 0,
  calls: 0,
  failedCalls: 0,
  tries: 0,
  verdict: correct,
  formatted: false,
  languageConsistency: 1,
  scores: { accuracy: 1, format: undefined },
  reward: at === 1 ? undefined : 1,
  advantage: at / 2,
}));

test.each([
  { completions: {}, stepsPerRollout: 1, steps: [0, 1, 19, 20, 40], looks: [1, 21, 41] },
  { completions: { every: 5 }, stepsPerRollout: 1, steps: [0, 4, 5, 6, 10], looks: [1, 6, 11] },
  { completions: { every: 5 }, stepsPerRollout: 2, steps: [0, 2, 4, 6, 8, 10], looks: [1, 7, 11] },
  { completions: { every: 1 }, stepsPerRollout: 4, steps: [0, 4, 8], looks: [1, 5, 9] },
  { completions: {}, stepsPerRollout: 1, steps: [0, 97, 98, 99], looks: [1, 100] },
  { completions: { every: 85 }, stepsPerRollout: 8, steps: [0, 8, 88, 96], looks: [1, 89, 97] },
])('$completions looks at rollouts of $stepsPerRollout steps before the steps $looks', async (given) => {
  const settings = settingsOf({ ...given.completions, count: 1 }, given.stepsPerRollout);
  for (const step of given.steps) await logCompletions(new StageLog(directory()), settings, step, judged);
  const samples = await lines(join(directory(), 'samples.jsonl'));
  expect(samples.map((line) => (JSON.parse(line) as { step: number }).step)).toEqual(given.looks);
});

test.each([
  { completions: {}, prompts: ['a?', 'b?'] },
  { completions: { count: 0 }, prompts: [] },
  { completions: { count: 9 }, prompts: ['a?', 'b?', 'c?'] },
])('$completions shows one completion of each of $prompts, and keeps no rollout', async ({ completions, prompts }) => {
  await logCompletions(new StageLog(directory()), settingsOf(completions), 0, judged);
  const samples = await lines(join(directory(), 'samples.jsonl'));
  expect(samples.map((line) => (JSON.parse(line) as { prompt: string }).prompt)).toEqual(prompts);
  expect(await readdir(directory())).toEqual(['samples.jsonl']);
});

test('all of a rollout is kept on request', async () => {
  await logCompletions(new StageLog(directory()), settingsOf({ rollouts: 1 }), 6, judged);
  const kept = await lines(join(directory(), 'rollouts/step-000007.jsonl'));
  expect(kept).toHaveLength(6);
  const common = { step: 7, dataset: 'sums', row: 'a', prompt: 'a?', opening: '<think>', scores: { accuracy: 1 } };
  expect(kept.slice(0, 2).map((line) => JSON.parse(line) as object)).toEqual([
    { ...common, completion: '<think>0', reward: 1, advantage: 0, verdict: 'correct', tokens: 2, finish: 'stop' },
    { ...common, completion: '<think>1', advantage: 0.5, verdict: 'correct', tokens: 2, finish: 'length' },
  ]);
});
