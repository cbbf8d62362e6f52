import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { grpo } from '../../../../trainer/contract/settings/settings.ts';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { promptsOf } from '../../../../trainer/data/order/prompt-order.ts';
import type { Completion, Rewards, ScoredCompletion } from '../../../../trainer/rewards/create-rewards.ts';
import { drawGroups, samplingAt } from '../../../../trainer/stages/rollout/draw-groups.ts';
import { Policy } from '../../../../trainer/stages/policy/policy.ts';
import { useBaseStage } from '../../../support/base-stage.ts';
import { pin } from '../../../support/trainer.ts';

const root = useBaseStage({ steps: 1, batch: 2 });
let policy: Policy;

beforeAll(async () => {
  policy = await Policy.open((await pin(root(), 'base')).path, { workers: 1 });
});
afterAll(async () => policy.close());

const rows = Array.from({ length: 40 }, (_, index): Row => ({
  id: `${index}`,
  dataset: 'sums',
  domain: 'reasoning',
  messages: [{ role: 'user', content: `${index}+1=` }],
}));

/** Rewards of which those of some rows differ within a group, and those of the others do not. */
function rewardsWith(signal: (row: Row) => boolean): Rewards {
  let turn = 0;
  return {
    names: ['signal'],
    weights: [1],
    score: async <C extends Completion>(completions: readonly C[]) =>
      completions.map((completion) => {
        const reward = signal(completion.row) ? turn++ % 2 : 0;
        return { ...completion, reward, scores: { signal: reward } } as unknown as C & ScoredCompletion;
      }),
  };
}

const verify = async () => []; // one try each
const isEven = ({ id }: Row) => Number(id) % 2 === 0;

function draw(step: number, signal: (row: Row) => boolean, dynamicSampling?: { maxRounds: number }) {
  const settings = grpo.parse({
    prompts: ['sums'],
    steps: 9,
    rewards: [{ format: {} }],
    promptsPerStep: 6,
    group: 2,
    sampling: { maxNewTokens: 2 },
    ...(dynamicSampling && { dynamicSampling }),
  });
  const prompts = promptsOf(rows, 7, undefined);
  return drawGroups(policy, { settings, seed: 7, stage: 'drawn', rewards: rewardsWith(signal), prompts, verify, step });
}

const idsOf = (groups: readonly (readonly { readonly row: Row }[])[]) => groups.map(([first]) => first?.row.id);

test('groups without signal are drawn again until the rollout is full of groups that teach', async () => {
  const { kept, drawn, rounds } = await draw(0, isEven, { maxRounds: 20 });
  expect(kept).toHaveLength(6);
  expect(kept.every(([first]) => first !== undefined && isEven(first.row))).toBe(true);
  expect(rounds).toBeGreaterThan(1);
  expect(drawn.length).toBeGreaterThan(6);
});

test('when the rounds are spent, groups without signal make up what is missing', async () => {
  const { kept, drawn, rounds } = await draw(0, () => false, { maxRounds: 2 });
  expect(rounds).toBe(2);
  expect(drawn).toHaveLength(12);
  expect(kept).toEqual(drawn.slice(0, 6));
});

test('where all groups teach, and without dynamic sampling, there is one round, of the same completions', async () => {
  const { kept, rounds } = await draw(3, () => true, { maxRounds: 5 });
  const plain = await draw(3, () => true);
  expect([rounds, plain.rounds]).toEqual([1, 1]);
  expect(kept).toEqual(plain.kept);
  const silent = await draw(3, () => false);
  expect(idsOf(silent.kept)).toEqual(idsOf(plain.kept));
});

test('what is drawn is a function of the step', async () => {
  const [once, again, later] = [
    await draw(2, isEven, { maxRounds: 3 }),
    await draw(2, isEven, { maxRounds: 3 }),
    await draw(3, isEven, { maxRounds: 3 }),
  ];
  expect(again.kept).toEqual(once.kept);
  expect(idsOf(later.drawn)).not.toEqual(idsOf(once.drawn));
});

test.each([
  { step: 0, expected: 8 },
  { step: 9, expected: 8 },
  { step: 10, expected: 16 },
  { step: 20, expected: 64 },
])('before step $step completions have at most $expected tokens by their schedule', ({ step, expected }) => {
  const { sampling } = grpo.parse({ prompts: ['sums'], steps: 9, rewards: [{ format: {} }] });
  const lengthSchedule = [
    { untilStep: 20, maxNewTokens: 16 },
    { untilStep: 10, maxNewTokens: 8 },
  ];
  const { maxNewTokens } = samplingAt({ sampling: { ...sampling, maxNewTokens: 64 }, lengthSchedule }, step);
  expect(maxNewTokens).toBe(expected);
});
