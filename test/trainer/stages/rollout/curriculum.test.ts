import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { PassCount } from '../../../../trainer/algorithms/pass-rates.ts';
import { mean } from '../../../../trainer/algorithms/statistics.ts';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { promptsOf } from '../../../../trainer/data/order/prompt-order.ts';
import { Curriculum, type KeptCurriculum } from '../../../../trainer/stages/rollout/curriculum.ts';
import type { Scored } from '../../../../trainer/stages/rollout/draw-groups.ts';
import { datasetsIn, writeRows } from '../../../support/row-files.ts';
import { lines, pin, runToResult, type StageToRun } from '../../../support/trainer.ts';

const row = (dataset: string, index: number): Row => ({ id: `${index}`, dataset, domain: 'reasoning', messages: [] });
const rowsOf = (dataset: string, count: number) => Array.from({ length: count }, (_, index) => row(dataset, index));
const sums = rowsOf('sums', 60);

interface Before {
  readonly kept?: KeptCurriculum;
  readonly former?: ReadonlyMap<string, PassCount>;
}

function curriculum(rows: readonly Row[] = sums, weights?: { dataset: string; weight: number }[], before: Before = {}) {
  const plain = promptsOf(rows, 7, weights);
  return new Curriculum(rows, { seed: 7, plain, isMixture: weights !== undefined, ...before });
}

const groupOf = (of: Row, outcomes: readonly string[]) =>
  outcomes.map((outcome) => ({ row: of, verdict: { outcome } })) as unknown as Scored[];

/** A policy that answers every sixth prompt right half the time, and the others always or never. */
function answers(of: Row): Scored[] {
  const index = Number(of.id);
  const right = index % 6 === 0 ? 2 : index % 2 === 0 ? 4 : 0;
  return groupOf(
    of,
    Array.from({ length: 4 }, (_, at) => (at < right ? 'correct' : 'wrong')),
  );
}
const isMedium = ({ id }: Row) => Number(id) % 6 === 0;

const share = (rounds: readonly Row[][]) => mean(rounds.flat().map((each) => Number(isMedium(each))));

/** Some rollouts of ten prompts. */
function rollouts(of: Curriculum, from: number, to: number): Row[][] {
  return Array.from({ length: to - from }, (_, offset) => {
    const drawn = of.prompts((from + offset) * 10, 10);
    of.see(drawn.map(answers));
    return drawn;
  });
}

test('prompts of a medium pass rate come more often the more is known, and the others still come', () => {
  const drawn = rollouts(curriculum(), 0, 60);
  expect(share(drawn.slice(0, 3))).toBeLessThan(0.35);
  expect(share(drawn.slice(-20))).toBeGreaterThan(0.4); // without a curriculum a sixth
  expect(
    new Set(
      drawn
        .slice(-40)
        .flat()
        .map(({ id }) => id),
    ).size,
  ).toBe(60);
});

test('a prompt comes once in a rollout, drawn again or not, until all have come', () => {
  const of = curriculum();
  const once = [...of.prompts(0, 40), ...of.prompts(0, 20, 'redrawn-prompts')];
  expect(new Set(once).size).toBe(60);
  of.see(once.map(answers));
  expect(of.prompts(40, 150)).toHaveLength(150);
});

test('from what is kept the same prompts come as if nothing had ended', () => {
  const whole = curriculum();
  rollouts(whole, 0, 5);
  const kept = JSON.parse(JSON.stringify(whole.kept)) as KeptCurriculum;
  expect(rollouts(curriculum(sums, undefined, { kept }), 5, 12)).toEqual(rollouts(whole, 5, 12));
});

test('what an earlier stage found holds until this one has measured it', () => {
  const former = new Map(
    sums.map((each) => [`sums/${each.id}`, { tries: 16, passes: isMedium(each) ? 8 : 0 }] as const),
  );
  const of = curriculum(sums, undefined, { former });
  const [first = []] = rollouts(of, 0, 1);
  expect(share([first])).toBeGreaterThan(0.4);
  expect(of.kept).toHaveLength(10);
  of.prompts(10, 1);
  expect(of.see([])).toMatchObject({ 'curriculum/easy_frac': 0 });
});

test('in a mixture each dataset keeps its share and its places', () => {
  const rows = [...sums, ...rowsOf('logic', 30)];
  const weights = [{ dataset: 'sums', weight: 3 }];
  const of = curriculum(rows, weights);
  rollouts(of, 0, 5);
  const plain = promptsOf(rows, 7, weights)(50, 20);
  expect(of.prompts(50, 20).map(({ dataset }) => dataset)).toEqual(plain.map(({ dataset }) => dataset));
});

test('figures tell what came and what is known; what cannot be judged counts nowhere', () => {
  const of = curriculum(sums.slice(0, 4));
  const [first, second, third, fourth] = of.prompts(0, 4) as [Row, Row, Row, Row];
  const wrong = ['wrong', 'wrong', 'wrong', 'wrong'];
  const groups = [
    groupOf(first, wrong),
    groupOf(second, ['correct', 'wrong', 'correct', 'abstain']),
    groupOf(third, ['abstain', 'abstain']),
    groupOf(fourth, ['correct', 'correct', 'correct', 'correct']),
  ];
  expect(of.see(groups)).toEqual({
    'curriculum/pass_rate': (0 + 2 / 3 + 1) / 3,
    'curriculum/new_frac': 1,
    'curriculum/hard_frac': 0.25,
    'curriculum/medium_frac': 0.25,
    'curriculum/easy_frac': 0.25,
  });
  of.prompts(4, 4);
  expect(of.see([groupOf(first, wrong)])).toMatchObject({ 'curriculum/pass_rate': 0, 'curriculum/new_frac': 0 });
});

// A model that answers one letter in eight now right, now wrong; of the others half are always right and half have no right answer.
let root: string;
/** Signal of each step without a curriculum. */
let plain: number[];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-curriculum-'));
  const letters = Array.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV');
  const said = letters.flatMap((prompt, at) =>
    [`${at % 5}`, `${(at % 5) + (at % 8 === 0 ? 5 : 0)}`].map((digit) => ({
      prompt,
      completion: `<answer>${digit}</answer>`,
    })),
  );
  await writeRows(root, 'documents', Array.from({ length: 20 }, () => said).flat());
  await writeRows(
    root,
    'letters',
    letters.map((prompt, at) => ({ prompt, answer: at % 8 > 0 && at % 2 > 0 ? '77' : `${at % 5}` })),
  );
  const settings = { sft: { data: ['documents'], epochs: 4, batch: 48, learningRate: 1e-2 } };
  await runToResult(root, { name: 'base', settings, datasets: datasetsIn(root, 'documents') });
  plain = await signalOf('plain', {});
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

/** Share of the groups of each step that differ in reward. The policy stays as it is, so that nothing but the choice of prompts counts. */
async function signalOf(name: string, more: object, inputs: StageToRun['inputs'] = {}): Promise<number[]> {
  const sampling = { maxNewTokens: 24 };
  const rewards = [{ accuracy: {} }];
  const grpo = {
    prompts: ['letters'],
    steps: 30,
    promptsPerStep: 8,
    group: 8,
    learningRate: 0,
    sampling,
    rewards,
    ...more,
  };
  const model = { input: await pin(root, 'base') };
  await runToResult(root, {
    name,
    stage: 'zero',
    settings: { grpo },
    model,
    inputs,
    datasets: datasetsIn(root, 'letters'),
  });
  const steps = await lines(join(root, name, 'metrics.jsonl'));
  return steps.map((line) => 1 - (JSON.parse(line) as Record<string, number>)['frac_reward_zero_std']!);
}

test('where few prompts teach, more groups have a signal than without a curriculum', async () => {
  const chosen = await signalOf('chosen', { curriculum: {} });
  expect(mean(chosen.slice(10))).toBeGreaterThan(1.5 * mean(plain.slice(10)));
});

test('with the pass rates of a sample stage, groups have a signal from the first rollout on', async () => {
  const sampling = { maxNewTokens: 24 };
  const sample = { prompts: ['letters'], perPrompt: 8, keep: ['notOverlong'], sampling };
  const model = { input: await pin(root, 'base') };
  await runToResult(root, { name: 'samples', settings: { sample }, model, datasets: datasetsIn(root, 'letters') });
  const rates = await lines(join(root, 'samples/data/pass-rates.jsonl'));
  expect(rates.map((each) => JSON.parse(each) as object)).toContainEqual({
    dataset: 'letters',
    row: expect.any(String),
    tries: 8,
    passes: 0,
  });
  expect(rates).toHaveLength(48);
  const from = { curriculum: { from: 'samples' } };
  const informed = await signalOf('informed', from, { samples: await pin(root, 'samples') });
  expect(mean(informed.slice(0, 10))).toBeGreaterThan(1.5 * mean(plain.slice(0, 10)));
});
