import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { type Claim, claims } from '../../bench/claims/claims.ts';
import {
  devLearnsFaster,
  languageKept,
  manyUpdates,
  mixturesCompared,
  studentLearns,
  thinksWhereNeeded,
  type TinyRun,
  zeroGains,
  zeroMixesLanguages,
} from '../../bench/claims/findings.ts';
import { quotasInFlatMemory } from '../../bench/claims/funnel-findings.ts';
import { type Evidence, judgeClaim } from '../../bench/claims/judge-claim.ts';
import type { StageRecord } from '../../bench/claims/run-record.ts';
import { wrongAnswersGrow } from '../../bench/claims/length-findings.ts';
import { writeLookups } from '../../bench/claims/lookups.ts';
import { type StagesOfManifest, withTwins } from '../../bench/claims/twins.ts';
import { doesNotGain } from '../../bench/learning-claims.ts';
import { mean } from '../../trainer/algorithms/statistics.ts';

const none: Evidence = { tests: new Map(), tiny: [], updates: undefined, funnel: undefined };

function stage(metrics: Record<string, number>, steps: StageRecord['steps'] = []): StageRecord {
  return { metrics, steps, tensors: [], funnel: undefined };
}

function passed(rate: number): StageRecord {
  return stage({ 'eval/pass@1': rate });
}

/** A run in which R1-Zero and the controls end with these shares of right answers. */
function tinyRun(base: number, zero: number, random: number, still = base): TinyRun {
  const stages = new Map([
    ['base', passed(base)],
    ['r1-zero', passed(zero)],
  ]);
  return { seed: 7, stages, randomReward: passed(random), learningRate0: passed(still) };
}

test('all 31 claims are there, each with what shows it or what is lacking', () => {
  expect(claims.map(({ number }) => number)).toEqual(Array.from({ length: 31 }, (_, index) => index + 1));
  for (const { tests, tiny, updates, lacks } of claims) {
    expect(tests.length > 0 || tiny !== undefined || updates !== undefined || lacks !== undefined).toBe(true);
    for (const { file } of tests) expect({ file, exists: existsSync(file) }).toEqual({ file, exists: true });
  }
});

test('docs/claims.md has a row for each', () => {
  const page = readFileSync('docs/claims.md', 'utf8');
  for (const { number, claim } of claims)
    expect(page).toContain(`| ${number} | ${claim} | \`npm run claims -- --only ${number}\` |`);
});

const file = 'test/some.test.ts';
const ran = (...outcomes: boolean[]) =>
  new Map([[file, outcomes.map((each, index) => ({ name: `does ${index}`, passed: each }))]]);
const withTests: Claim = { number: 1, claim: 'x', tests: [{ file }] };

test.each([
  { name: 'its tests pass', claim: withTests, tests: ran(true, true), verdict: 'holds', measured: '2 tests pass' },
  {
    name: 'a test fails',
    claim: withTests,
    tests: ran(true, false),
    verdict: 'FAILS',
    measured: '1 tests fail, such as "does 1"',
  },
  {
    name: 'no test has the name',
    claim: { ...withTests, tests: [{ file, named: /other/ }] },
    tests: ran(true),
    verdict: 'FAILS',
    measured: `${file} has no test named other`,
  },
  {
    name: 'something is lacking',
    claim: { ...withTests, lacks: 'a run' },
    tests: ran(true),
    verdict: 'in part',
    measured: '1 tests pass; lacks a run',
  },
  {
    name: 'its tests were not run',
    claim: withTests,
    tests: new Map(),
    verdict: 'not shown',
    measured: 'not run: its tests',
  },
  {
    name: 'nothing shows it',
    claim: { number: 1, claim: 'x', tests: [], lacks: 'a twin' },
    tests: new Map(),
    verdict: 'not shown',
    measured: 'lacks a twin',
  },
])('$name: $verdict', ({ claim, tests, verdict, measured }) => {
  expect(judgeClaim(claim, { ...none, tests })).toEqual({ claim, verdict, measured });
});

test.each([
  { name: 'as much memory from half of the rows on', kept: [30, 10], halvesMiB: [500, 520], holds: true },
  { name: 'memory goes on growing', kept: [30, 10], halvesMiB: [500, 530], holds: false },
  { name: 'another share of domains', kept: [20, 20], halvesMiB: [500, 500], holds: false },
  { name: 'fewer rows than there is room for', kept: [27, 9], halvesMiB: [500, 500], holds: false },
] as const)('quotas: $name: $holds', ({ kept: [reasoning, general], halvesMiB, holds }) => {
  const figures = { format: 'jsonl', rows: 40, offered: 50, kept: { reasoning, general }, rowsPerSecond: 9, halvesMiB };
  expect(quotasInFlatMemory([{ ...figures, format: 'jsonl' }])).toEqual({
    holds,
    found:
      `${reasoning} reasoning and ${general} general rows of 50 from jsonl, ` +
      `at most 500 MiB in the first half of the work and ${halvesMiB[1]} in the second`,
  });
});

test.each([
  {
    name: 'the median counts',
    runs: [tinyRun(0.4, 0.8, 0.41), tinyRun(0.4, 0.7, 0.39), tinyRun(0.4, 0.45, 0.3)],
    holds: true,
    found:
      'pass@1 +30.0 (+40.0, +30.0, +5.0); with a random reward −1.0 (+1.0, −1.0, −10.0), with learning rate 0 +0.0 (+0.0, +0.0, +0.0)',
  },
  { name: 'it gains too little', runs: [tinyRun(0.4, 0.59, 0.4)], holds: false },
  { name: 'noise gains as well', runs: [tinyRun(0.4, 0.8, 0.5)], holds: false },
  { name: 'learning rate 0 changes answers', runs: [tinyRun(0.4, 0.8, 0.4, 0.401)], holds: false },
])('R1-Zero: $name', ({ runs, holds, found }) => {
  expect(zeroGains(runs)).toEqual({ holds, found: found ?? expect.any(String) });
});

test('of runs without the stages there is no finding', () => {
  expect(zeroGains([])).toBeUndefined();
  expect(zeroMixesLanguages([tinyRun(0.4, 0.8, 0.4)])).toBeUndefined();
});

test.each([
  { steps: 1200, seconds: 0.03, holds: true },
  { steps: 1000, seconds: 0.03, holds: false },
  { steps: 1201, seconds: 0.03, holds: false },
  { steps: 1200, seconds: 1, holds: false },
])('$steps updates of $seconds s: $holds', ({ steps, seconds, holds }) => {
  const made = Array.from({ length: steps }, () => ({ step_time: seconds }));
  expect(manyUpdates(stage({}, made), 4).holds).toBe(holds);
});

test('twins differ from stages of the example in what their claim is about alone', () => {
  const example = parse(readFileSync('examples/r1-tiny.yaml', 'utf8')) as StagesOfManifest;
  const named = (name: string) => withTwins(example, []).spec.stages.find((each) => each.name === name);
  const [rl, zero] = [named('reasoning-rl'), named('r1-zero')];
  const rewards = [{ accuracy: {} }, { format: {} }];
  expect(named('any-language')).toEqual({ ...rl, name: 'any-language', grpo: { ...rl?.grpo, rewards } });
  expect(named('rl-from-base')).toEqual({ ...rl, name: 'rl-from-base', model: { from: 'base' } });
  const student = { name: 'student-rl', model: { from: 'student-base' }, gate: undefined };
  expect(named('student-rl')).toEqual({ ...zero, ...student });
  const promptWeights = [{ dataset: 'greetings', weight: 3 }];
  const r1 = named('r1');
  const mixed = { name: 'mostly-general', grpo: { ...r1?.grpo, promptWeights }, gate: undefined };
  expect(named('mostly-general')).toEqual({ ...r1, ...mixed });
});

test('a twin whose model is not made is left out', () => {
  const example = parse(readFileSync('examples/r1-tiny.yaml', 'utf8')) as StagesOfManifest;
  const stages = example.spec.stages.slice(0, 2);
  const names = withTwins({ spec: { datasets: [], stages } }, []).spec.stages.map(({ name }) => name);
  expect(names).toEqual(['base', 'r1-zero', 'phrases-of-base']);
});

function runOf(stages: Record<string, StageRecord>): TinyRun {
  return { seed: 7, stages: new Map(Object.entries(stages)), randomReward: undefined, learningRate0: undefined };
}

/** A stage whose share of right answers rises by so much a step. */
const rising = (from: number, by: number) =>
  stage(
    {},
    Array.from({ length: 20 }, (_, step) => ({ 'rewards/accuracy/mean': from + by * step })),
  );
const phrases = (rate: number) => stage({ 'reflection_rate/plain': rate });

/** A stage whose wrong answers have that length at first, and the other one at its end. */
const growing = (from: number, to: number) =>
  stage(
    {},
    Array.from({ length: 20 }, (_, step) => ({ 'completions/mean_length_wrong': from + ((to - from) * step) / 19 })),
  );

test.each([
  { name: 'grow without the constant alone', divided: 80, constant: 19, chance: 20, holds: true },
  { name: 'grow with it, too', divided: 80, constant: 40, chance: 20, holds: false },
  { name: 'grow by chance, too', divided: 80, constant: 19, chance: 40, holds: false },
  { name: 'do not grow', divided: 21, constant: 19, chance: 20, holds: false },
])('wrong answers $name: $holds', ({ divided, constant, chance, holds }) => {
  const stages = {
    'per-completion': growing(20, divided),
    'constant-divisor': growing(20, constant),
    'by-chance': growing(20, chance),
  };
  expect(wrongAnswersGrow([runOf(stages)])?.holds).toBe(holds);
  expect(wrongAnswersGrow([runOf({ ...stages, 'by-chance': stage({}) })])).toBeUndefined();
});

test('RL that differs in what the loss is divided by is the same else, with a base model of its own', () => {
  const empty: StagesOfManifest = { spec: { datasets: [], stages: [] } };
  const { datasets, stages } = withTwins(empty, [], { seen: 'a', asked: 'b' }).spec;
  expect(datasets).toHaveLength(2);
  const [base, divided, constant, chance] = stages;
  expect(base?.model).toHaveProperty('init');
  expect(constant).toEqual({ ...divided, name: 'constant-divisor', grpo: { ...divided?.grpo, loss: 'dr_grpo' } });
  expect(chance).toEqual({ ...divided, name: 'by-chance', grpo: { ...divided?.grpo, rewards: [{ random: {} }] } });
});

const rowsOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

test('lookups ask for what was seen, half of it right, in texts that are as long right as wrong', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'r1-lookups-'));
  const { seen, asked } = await writeLookups(directory, 7);
  const right = new Map(rowsOf(asked).map(({ prompt, answer }) => [prompt, answer.slice(1)]));
  const lengths = { '!': [] as number[], '?': [] as number[] };
  for (const { prompt, completion } of rowsOf(seen)) {
    const mark = completion[0] === right.get(prompt) ? '!' : '?';
    expect(completion.slice(1)).toBe(mark.repeat(completion.length - 1));
    lengths[mark].push(completion.length);
  }
  const total = lengths['!'].length + lengths['?'].length;
  expect(Math.abs(lengths['!'].length / total - 0.5)).toBeLessThan(0.03);
  expect(Math.abs(mean(lengths['!']) / mean(lengths['?']) - 1)).toBeLessThan(0.06);
  await rm(directory, { recursive: true });
});

test('RL from Dev1 needs fewer steps than from base where it is there sooner, in the mean of five steps', () => {
  const twins = { 'phrases-of-dev1': phrases(0.3), 'phrases-of-base': phrases(0.1) };
  const judged = (dev: StageRecord, base: StageRecord) =>
    devLearnsFaster([runOf({ ...twins, 'reasoning-rl': dev, 'rl-from-base': base })]);
  expect(judged(rising(0.9, 0), rising(0.4, 0.05))).toEqual({
    holds: true,
    found: expect.stringContaining('5 (one seed) from Dev1, 12 (one seed) from base'),
  });
  expect(judged(rising(0.4, 0.05), rising(0.9, 0))?.holds).toBe(false);
  expect(judged(rising(0.4, 0), rising(0.4, 0))?.found).toContain('21 (one seed) from Dev1, 21 (one seed) from base');
  expect(devLearnsFaster([runOf({ 'reasoning-rl': rising(0.9, 0) })])).toBeUndefined();
});

const ended = (rate: number, language: number) =>
  stage({ 'eval/pass@1': rate, 'eval/pass@1_stderr': 0.01, 'eval/language_consistency': language });

test.each([
  { name: 'a small cost', accuracy: 0.92, consistency: 0.99, holds: true },
  { name: 'no more language than without', accuracy: 0.94, consistency: 0.96, holds: false },
  { name: 'a cost beyond five points', accuracy: 0.8, consistency: 0.99, holds: false },
])('the language reward: $name', ({ accuracy, consistency, holds }) => {
  const stages = { 'reasoning-rl': ended(accuracy, consistency), 'any-language': ended(0.94, 0.97) };
  expect(languageKept([runOf(stages)])?.holds).toBe(holds);
});

const students = (distilled: number, twin: number) =>
  studentLearns([runOf({ 'student-base': passed(0.1), distilled: passed(distilled), 'student-rl': passed(twin) })]);

test('a distilled student is to be above its twin that has RL alone', () => {
  expect(students(0.9, 0.3)).toEqual({
    holds: true,
    found: 'pass@1 0.100 (one seed) before, 0.900 (one seed) distilled, 0.300 (one seed) with RL alone',
  });
  expect(students(0.3, 0.9)?.holds).toBe(false);
});

const measured = (rate: number) => ({ 'eval/pass@1': rate, 'eval/pass@1_stderr': 0.02 });

test.each([
  { name: 'one seed may gain by chance', gains: [0.053, -0.032, -0.008], holds: true },
  { name: 'all of them gain', gains: [0.06, 0.05, 0.04], holds: false },
  { name: 'noise wears it down', gains: [-0.1], holds: true },
])('a control over its seeds: $name', ({ gains, holds }) => {
  const runs = gains.map((gain) => ({ before: measured(0.4), after: measured(0.4 + gain) }));
  expect(doesNotGain('random reward', runs).holds).toBe(holds);
});

const styled = (rate: number, style: number) => stage({ 'eval/pass@1': rate, 'eval/greetings/pass@1': style });
const mixtures = (general: number) =>
  mixturesCompared([
    runOf({ r1: styled(0.9, 0.5), balanced: styled(0.85, 0.6), 'mostly-general': styled(0.8, general) }),
  ]);

test.each([
  { name: 'it thinks where it is asked for a sum', sums: 0.98, greetings: 0.01, before: 0.2, holds: true },
  { name: 'it thinks on greetings, too', sums: 0.98, greetings: 0.4, before: 0.2, holds: false },
  { name: 'it did so before', sums: 0.98, greetings: 0, before: 0.99, holds: false },
])('chats with thoughts: $name', ({ sums, greetings, before, holds }) => {
  const tuned = stage({ 'eval/sums/thought_rate': sums, 'eval/greetings/thought_rate': greetings });
  const asTheyWere = stage({ 'eval/sums/thought_rate': before });
  expect(thinksWhereNeeded([runOf({ 'chat-tuned': tuned, 'chat-as-it-was': asTheyWere })])?.holds).toBe(holds);
});

test('mixtures are told with what each gives, and more greetings are to give more of their style', () => {
  expect(mixtures(0.7)).toEqual({
    holds: true,
    found: expect.stringContaining(
      'one greeting a sum: pass@1 0.850 (one seed), preferred style 0.600 (one seed); three',
    ),
  });
  expect(mixtures(0.4)?.holds).toBe(false);
});
