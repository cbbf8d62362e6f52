import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { judgeVerdictsName } from '../../../trainer/contract/files/checkpoint.ts';
import { useBaseStage } from '../../support/base-stage.ts';
import { type ServeProcess, startServe } from '../../support/serve.ts';
import {
  lines,
  logOf,
  pin,
  readResult,
  runStage,
  runToResult,
  type StageToRun,
  startStage,
  tinyDatasets,
  writeStage,
} from '../../support/trainer.ts';

const root = useBaseStage({ steps: 40, batch: 16 });

const read = '<think>3 + 4 = 7, or was it 12? Hello there.</think><answer>7</answer> Guten Tag, was ist das denn?';
const piece = (at: number) => read.slice((at * 7) % 80, ((at * 7) % 80) + (at % 17));

/** A model that has learned to give verdicts, of whatever it is asked. */
beforeAll(async () => {
  const rows = Array.from({ length: 512 }, (_, at) =>
    at % 2 === 0
      ? { prompt: `Rate: ${piece(at)}`, completion: `<score>${at % 10}</score>` }
      : {
          prompt: `Compare: ${piece(at).slice(0, 8)}|${piece(at + 1).slice(0, 8)}`,
          completion: `<score_a>${at % 10}</score_a><score_b>${(at * 3) % 10}</score_b>`,
        },
  );
  const file = join(root(), 'verdicts.jsonl');
  await writeFile(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  await runToResult(root(), {
    name: 'judge',
    model: { input: await pin(root(), 'base') },
    datasets: [{ name: 'verdicts', file }],
    settings: { sft: { data: ['verdicts'], epochs: 12, batch: 32, learningRate: 1e-2 } },
  });
}, 240_000);

const rubric = 'Rate: {{ response[:16] }}';
const votes = { votes: 2, sampling: { temperature: 0.7, maxNewTokens: 48 }, scope: 'response', rubric };

async function stage(name: string, judge: object, more: object = {}): Promise<StageToRun> {
  const grpo = {
    prompts: ['sums'],
    steps: 6,
    promptsPerStep: 2,
    group: 4,
    learningRate: 1e-3,
    sampling: { maxNewTokens: 12 },
    rewards: [{ judge: { ...votes, ...judge } }],
    checkpointEvery: 2,
  };
  const model = { input: await pin(root(), 'base') };
  const inputs = { judge: await pin(root(), 'judge') };
  return { name, stage: 'judged', model, inputs, datasets: tinyDatasets, settings: { grpo }, ...more };
}

const metrics = (name: string) => logOf(join(root(), name), 'metrics.jsonl');
const digestOf = async (name: string) => (await readResult(root(), name)).checkpoint?.digest;
const killedInTheMiddle = (name: string) => ({ file: join(root(), `${name}/metrics.jsonl`), holds: '"step":5,' });

async function withServer<T>(use: (endpoint: object, server: ServeProcess) => Promise<T>): Promise<T> {
  const { path } = await pin(root(), 'judge');
  const server = await startServe([path, '--name', 'judge'], { R1_API_KEY: 'key-of-the-judge' });
  try {
    return await use({ url: server.url, model: 'judge', token: {} }, server);
  } finally {
    server.child.kill('SIGTERM');
    await server.ended;
  }
}
const env = { R1_JUDGE_TOKEN: 'key-of-the-judge' };

test('a server judges, whatever is killed in the middle, and what it has said can be replayed without it', async () => {
  const endpoint = await withServer(async (served) => {
    const whole = await startStage(await writeStage(root(), await stage('whole', { endpoint: served })), { env }).ended;
    expect(whole).toMatchObject({ code: 0, stderr: '' });
    expect(whole.stdout).not.toContain('key-of-the-judge');

    const path = await writeStage(root(), await stage('killed', { endpoint: served }));
    const killed = await startStage(path, { env, when: killedInTheMiddle('killed') }).ended;
    expect(killed.signal).toBe('SIGKILL');
    expect(await startStage(path, { env }).ended).toMatchObject({ code: 0, stderr: '' });
    return served;
  });
  const { metrics: result } = await readResult(root(), 'whole');
  expect(result['rewards/judge/mean']).toBeGreaterThan(0);
  expect(result['rewards/judge/mean']).toBeLessThan(1);
  expect(result['rewards/judge/unparsable_frac']).toBeLessThan(1);
  expect(result['rewards/judge/tokens']).toBeGreaterThan(0);
  expect(await digestOf('killed')).toBe(await digestOf('whole'));
  expect(await metrics('killed')).toEqual(await metrics('whole'));

  // Nobody listens there any more.
  await mkdir(join(root(), 'replayed'));
  await cp(join(root(), 'whole', judgeVerdictsName), join(root(), 'replayed', judgeVerdictsName));
  const replayed = await startStage(await writeStage(root(), await stage('replayed', { endpoint })), { env }).ended;
  expect(replayed).toMatchObject({ code: 0, stderr: '' });
  expect(await digestOf('replayed')).toBe(await digestOf('whole'));
  expect(await metrics('replayed')).toEqual(await metrics('whole'));
  for (const line of await lines(join(root(), 'whole', judgeVerdictsName)))
    expect(line).not.toContain('key-of-the-judge');
});

test('once the budget is spent the stage ends, and goes on with a larger one from where it was', async () => {
  await withServer(async (endpoint) => {
    const file = async (budgetTokens: number) =>
      writeStage(root(), await stage('budget', { endpoint: { ...endpoint, budgetTokens } }));
    const spent = await startStage(await file(2000), { env }).ended;
    expect(spent.code).toBe(64);
    expect(spent.stderr).toMatch(
      /judge.endpoint.budgetTokens: \d+ tokens are spent, expected less than 2000; raise it to go on/,
    );
    const asked = (await lines(join(root(), 'budget', judgeVerdictsName))).length;
    expect(asked).toBeGreaterThan(16);
    expect(await startStage(await file(1_000_000), { env }).ended).toMatchObject({ code: 0, stderr: '' });
  });
});

test('a rubric that is no template is told before the first step', async () => {
  const ended = await runStage(
    await writeStage(root(), await stage('rubric', { from: 'judge', rubric: '{{ response' })),
  );
  expect([ended.code, ended.stderr]).toEqual([
    64,
    expect.stringMatching(/judge.rubric: is no template that can be used/),
  ]);
});

test('a token that is not there is told before the first step', async () => {
  const endpoint = { url: 'http://127.0.0.1:9/v1', model: 'judge', token: { variable: 'R1_NO_SUCH_TOKEN' } };
  const ended = await runStage(await writeStage(root(), await stage('token', { endpoint })));
  expect([ended.code, ended.stderr]).toEqual([
    64,
    expect.stringMatching(/judge.endpoint: the environment variable R1_NO_SUCH_TOKEN is empty/),
  ]);
});

test('the model of an earlier stage judges by comparison, and a resumed stage ends as a whole one', async () => {
  const comparing = {
    from: 'judge',
    by: 'comparison',
    rubric: 'Compare: {{ response_a[:8] }}|{{ response_b[:8] }}',
    margin: 0,
  };
  await runToResult(root(), await stage('compared', comparing));
  const path = await writeStage(root(), await stage('compared-again', comparing));
  expect((await runStage(path, killedInTheMiddle('compared-again'))).signal).toBe('SIGKILL');
  expect(await runStage(path)).toMatchObject({ code: 0 });
  expect(await digestOf('compared-again')).toBe(await digestOf('compared'));
});

test('the model of an earlier stage scores', async () => {
  const { metrics: result } = await runToResult(root(), await stage('scored', { from: 'judge' }));
  expect(result['rewards/judge/mean']).toBeGreaterThan(0);
});
