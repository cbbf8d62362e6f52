import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { type Claim, claims } from '../../bench/claims/claims.ts';
import { manyUpdates, type TinyRun, zeroGains, zeroMixesLanguages } from '../../bench/claims/findings.ts';
import { type Evidence, judgeClaim } from '../../bench/claims/judge-claim.ts';
import type { StageRecord } from '../../bench/claims/run-record.ts';

const none: Evidence = { tests: new Map(), tiny: [], updates: undefined };

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
