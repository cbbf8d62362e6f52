import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exitCodes } from '../../../../trainer/contract/process/exit-codes.ts';
import { judgeVerdictsName } from '../../../../trainer/contract/files/checkpoint.ts';
import type { StageResult } from '../../../../trainer/contract/files/progress.ts';
import { resultMetrics } from '../../../../trainer/contract/settings/result-metrics.ts';
import { stageSettings } from '../../../../trainer/contract/settings/settings.ts';
import { useJudgeServer } from '../../../support/judge-server.ts';
import { datasetsIn, writeRows } from '../../../support/row-files.ts';
import {
  logOf,
  pin,
  readResult,
  runStage,
  runToResult,
  type StageToRun,
  writeStage,
} from '../../../support/trainer.ts';

// A base that knows the digits of forty letters, some better than others, and says “sure” now and then. A reward that pays for that word
// twice what a right answer earns is worth gaming: the policy learns to say nothing else.
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-guard-'));
  const letters = Array.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN');
  const rows = letters.map((prompt, at) => rowOf(prompt, String(at % 10)));
  const gamed = rows.map((row) => ({ ...row, completion: 'sure' }));
  await writeRows(root, 'letters', rows);
  await writeRows(root, 'asked', rows); // nobody learns from it
  await writeRows(root, 'few', rows.slice(0, 29));
  await writeRows(root, 'documents', [...Array.from({ length: 30 }, () => rows).flat(), ...gamed]);
  await writeFile(join(root, 'keyword.js'), `export const grade = ({ completion }) => +completion.includes('sure');`);
  const settings = { sft: { data: ['documents'], epochs: 6, batch: 40, learningRate: 1e-2 } };
  await runToResult(root, { name: 'base', settings, datasets: datasetsIn(root, 'documents') });
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

/** Dislikes that word, likes what looks like an answer, and cannot be read on three of the letters. */
const judge = useJudgeServer((question) => {
  const [prompt = '', response = ''] = question.split('|ANSWERS|');
  if (/[abc]/.test(prompt)) return 'That is hard to say.';
  return `<score>${response.includes('sure') ? 1 : response.startsWith('<answer>') ? 9 : 4}</score>`;
});

const judged = (endpoint: object = {}): object => ({
  data: ['asked'],
  judge: {
    endpoint: { url: judge().url, model: 'taste', ...endpoint },
    scope: 'response',
    rubric: '{{ prompt }}|ANSWERS|{{ response }}',
  },
});

function withoutPath({ checkpoint, ...result }: StageResult): object {
  return { ...result, digest: checkpoint?.digest };
}

function rowOf(prompt: string, answer: string): object {
  return { prompt, completion: `<answer>${answer}</answer>`, answer };
}

const gamed = (): object[] => [{ accuracy: {} }, { module: { file: join(root, 'keyword.js'), weight: 2 } }];

async function stage(
  name: string,
  { guard = {}, ...grpo }: { readonly guard?: object | null; readonly [more: string]: unknown } = {},
): Promise<StageToRun> {
  const sampling = { maxNewTokens: 24 };
  const settings = {
    prompts: ['letters'],
    steps: 60,
    promptsPerStep: 20,
    group: 8,
    learningRate: 2e-3,
    schedule: { warmupSteps: 30 },
    kl: { coefficient: 0 },
    sampling,
    rewards: gamed(),
    checkpointEvery: 3,
    ...(guard && { guard: { data: ['asked'], samples: 4, every: 4, onRegression: 'Rollback', ...guard } }),
    ...grpo,
  };
  return {
    name,
    stage: 'zero',
    settings: { grpo: settings },
    model: { input: await pin(root, 'base') },
    datasets: datasetsIn(root, 'letters', 'asked', 'few'),
    evaluation: { data: ['asked'], samples: 4, sampling },
  };
}

let rolledBack: StageResult;
test('a reward that pays for a keyword is found out, and the model of the last good step is the result', async () => {
  rolledBack = await runToResult(root, await stage('guarded'));
  const { message, warnings, metrics, checkpoint } = rolledBack;
  const good = checkpoint?.step ?? 0;
  expect(good).toBeGreaterThan(0);
  expect(message).toMatch(new RegExp(`^rolled back from step \\d+ to step ${good}, the last good one$`));
  expect(warnings).toEqual([
    {
      reason: 'RewardDiverged',
      message: expect.stringMatching(
        new RegExp(
          `^held-out pass@1 fell from \\S+ at step ${good} to \\S+ at step \\d+ \\(−\\S+, \\S+ % interval −\\S+ … −\\S+\\) ` +
            `while the reward rose from \\S+ to \\S+: rolled back to step ${good}; the reward pays for something else`,
        ),
      ),
    },
  ]);
  expect(metrics['guard/good_step']).toBe(good);
  expect(metrics['eval/pass@1']).toBe(metrics['guard/pass@1']); // the same prompts and samples
});

test('without the guard the same stage ends with a model that has lost what it knew', async () => {
  const { metrics } = await runToResult(root, await stage('unguarded', { guard: null }));
  expect(metrics['eval/pass@1']).toBeLessThan(0.1);
  expect(rolledBack.metrics['eval/pass@1']).toBeGreaterThan(0.35);
  expect(metrics['reward']).toBeGreaterThan(2 * (rolledBack.metrics['reward'] ?? NaN));
});

test('the result of a rollback is, to the bit, that of a stage that was asked for no more steps', async () => {
  const steps = rolledBack.checkpoint?.step;
  const short = await runToResult(root, await stage('short', { steps }));
  expect(short.checkpoint?.digest).toBe(rolledBack.checkpoint?.digest);
  expect(short.metrics).toEqual(rolledBack.metrics);
});

test.each([
  { name: 'in the step after the good one', file: 'metrics.jsonl', holds: '"guard/change_low"' },
  { name: 'once a later good step is published', file: 'good-0000{0[1-9],[1-9]?}/checkpoint.json' },
  { name: 'in the midst of the fall', file: 'metrics.jsonl', holds: '"step":14,' },
  { name: 'between the rollback and its result', file: 'step-*/trainer/state.json', holds: '"rolledBack":true' },
])('a guarded stage that is killed $name ends as one that was not', async ({ name, file, holds }) => {
  const killed = await stage(`killed-${name.replaceAll(' ', '-')}`);
  const out = join(root, killed.name);
  const path = await writeStage(root, killed);
  const { signal } = await runStage(path, { file: join(out, file), ...(holds !== undefined && { holds }) });
  expect(signal).toBe('SIGKILL');
  expect(await runStage(path)).toMatchObject({ code: 0, stderr: '' });
  const { checkpoint, ...result } = await readResult(root, killed.name);
  const { checkpoint: expected, ...others } = rolledBack;
  expect(result).toEqual(others);
  expect(checkpoint?.digest).toBe(expected?.digest);
  expect(await logOf(out, 'metrics.jsonl')).toEqual(await logOf(join(root, 'guarded'), 'metrics.jsonl'));
});

test('a rolled back stage that is run again ends the same without a step', async () => {
  const path = join(root, 'guarded.json');
  const { stdout } = await runStage(path);
  expect(stdout).not.toContain('"phase":"train"');
  expect(await readResult(root, 'guarded')).toEqual(rolledBack);
});

test('a stage that shall stop fails with what was found, and is not tried again', async () => {
  const { code, stderr } = await runStage(
    await writeStage(root, await stage('stopped', { guard: { onRegression: 'Stop' } })),
  );
  expect(code).toBe(exitCodes.diverged);
  expect(stderr).toMatch(/^diverged: held-out pass@1 fell from .* while the reward rose .*: stopped; the reward pays/);
});

test('a reward model that no reward names finds out what verifiers cannot judge, of rows without answers', async () => {
  const labels = Array.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN').flatMap((prompt, at) => [
    { prompt, completion: `<answer>${at % 10}</answer>`, label: true },
    { prompt, completion: 'sure', label: false },
  ]);
  await writeRows(root, 'labels', labels);
  await writeRows(
    root,
    'open',
    labels.filter(({ label }) => label).map(({ prompt }) => ({ prompt })),
  );
  await runToResult(root, {
    name: 'tastes',
    model: { input: await pin(root, 'base') },
    settings: { rewardModel: { labelled: ['labels'], epochs: 4, batch: 20, learningRate: 1e-3 } },
    datasets: datasetsIn(root, 'labels'),
  });
  const guard = { data: ['open'], rewardModel: { from: 'tastes' } };
  const guarded = { ...(await stage('liked', { guard })), inputs: { tastes: await pin(root, 'tastes') } };
  const { message, warnings, metrics } = await runToResult(root, {
    ...guarded,
    datasets: datasetsIn(root, 'letters', 'asked', 'open'),
  });
  expect(message).toMatch(/^rolled back from step \d+ to step \d+, the last good one$/);
  // Whether the reward has measurably risen by then does not matter here.
  expect(warnings?.map(({ message: words }) => words)).toEqual([expect.stringMatching(/^held-out score fell from/)]);
  expect(metrics['guard/score']).toBeGreaterThan(0);
  const names = resultMetrics(stageSettings.parse(guarded.settings), undefined);
  expect(Object.keys(metrics).filter((name) => name.startsWith('guard/') && !names.includes(name))).toEqual([]);
}, 60_000);

let foundByJudge: StageResult;
test('a judge that no reward names finds out the same, and what it does not say is never a score', async () => {
  const guarded = await stage('judged', { guard: judged() });
  foundByJudge = await runToResult(root, guarded);
  const { message, warnings, metrics } = foundByJudge;
  expect(message).toMatch(/^rolled back from step \d+ to step \d+, the last good one$/);
  expect(warnings?.map(({ message: words }) => words)).toEqual([expect.stringMatching(/^held-out score fell from/)]);
  expect(metrics['guard/score']).toBeGreaterThan(0.4); // the mean of those that can be read, from 0.1 to 0.9
  expect(metrics['guard/unparsable_frac']).toBeCloseTo(3 / 40);
  expect(metrics['guard/tokens']).toBe(40 * 4 * 7);
  const names = resultMetrics(stageSettings.parse(guarded.settings), undefined);
  expect(Object.keys(metrics).filter((name) => name.startsWith('guard/') && !names.includes(name))).toEqual([]);
}, 60_000);

test.each([
  {
    name: 'a judge that cannot be read guards nothing',
    guard: () => ({ ...judged(), minPrompts: 38 }),
    message: 'grpo.guard.judge: found verdicts that can be read on 37 prompts of asked, expected on at least 38',
  },
  {
    name: 'a judge whose budget is spent ends the stage',
    guard: () => judged({ budgetTokens: 70 }),
    message: 'judge.endpoint.budgetTokens: ',
  },
])('$name', async ({ name, guard, message }) => {
  const file = await writeStage(root, await stage(name.replaceAll(' ', '-'), { guard: guard() }));
  const { code, stderr } = await runStage(file);
  expect([code, stderr]).toEqual([64, expect.stringContaining(message)]);
});

test('what a judge has said raises the same alarm without it, at the same step after a kill', async () => {
  const out = join(root, 'judged-killed');
  await mkdir(out);
  await cp(join(root, 'judged', judgeVerdictsName), join(out, judgeVerdictsName));
  const path = await writeStage(root, await stage('judged-killed', { guard: judged() }));
  judge().stop();
  expect((await runStage(path, { file: join(out, 'metrics.jsonl'), holds: '"step":10,' })).signal).toBe('SIGKILL');
  expect(await runStage(path)).toMatchObject({ code: 0, stderr: '' });
  expect(withoutPath(await readResult(root, 'judged-killed'))).toEqual(withoutPath(foundByJudge));
  expect(await logOf(out, 'metrics.jsonl')).toEqual(await logOf(join(root, 'judged'), 'metrics.jsonl'));
}, 60_000);

test('a stage that shall go on does, and warns as long as it is worse', async () => {
  const { checkpoint, warnings, metrics } = await runToResult(
    root,
    await stage('continued', { guard: { onRegression: 'Continue' } }),
  );
  expect(checkpoint?.step).toBe(60);
  expect(warnings).toEqual([{ reason: 'RewardDiverged', message: expect.stringContaining(': goes on all the same;') }]);
  expect(metrics['guard/change_high']).toBeLessThan(0);
  const { grpo } = (await stage('continued')).settings as { grpo: object };
  const known = resultMetrics(stageSettings.parse({ grpo }), undefined);
  expect(Object.keys(metrics).filter((each) => each.startsWith('guard/') && !known.includes(each))).toEqual([]);
});

test('an honest reward raises no alarm, and a longer run goes on from a shorter one to the same bits', async () => {
  const honest = { rewards: [{ accuracy: {} }], stepsPerRollout: 2, keepOptimizer: true };
  const whole = await runToResult(root, await stage('whole', { ...honest, steps: 24 }));
  expect(whole.warnings).toBeUndefined();
  expect(whole.checkpoint?.step).toBe(24);
  await runToResult(root, await stage('parts', { ...honest, steps: 12 }));
  const parts = await runToResult(root, await stage('parts', { ...honest, steps: 24 }));
  expect(parts.checkpoint?.digest).toBe(whole.checkpoint?.digest);
});

test('too few prompts are refused before the first step', async () => {
  const { code, stderr } = await runStage(await writeStage(root, await stage('few', { guard: { data: ['few'] } })));
  expect(code).toBe(64);
  expect(stderr).toContain('grpo.guard.data few: found 29 prompts, expected at least 30 (grpo.guard.minPrompts)');
});
