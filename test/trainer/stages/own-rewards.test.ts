import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { R1Pipeline } from '../../../operator/api/resources/pipeline.ts';
import { mapRewardFiles } from '../../../trainer/contract/settings/reward-files.ts';
import type { StageSettings } from '../../../trainer/contract/settings/settings.ts';
import { eventually } from '../../support/eventually.ts';
import { useBaseStage } from '../../support/base-stage.ts';
import { useScoreServer } from '../../support/score-server.ts';
import {
  lines,
  logOf,
  pin,
  readResult,
  runStage,
  runToResult,
  startStage,
  type StageToRun,
  writeStage,
} from '../../support/trainer.ts';
import { testWithPython } from '../../support/with-python.ts';

const root = useBaseStage({ steps: 20, batch: 16 });
const key = 'key-of-the-grader';
const service = useScoreServer(
  key,
  ({ completion, answer = '', prompt, row }) =>
    completion.length / 10 + answer.length + prompt.length / 100 + row.id.length,
);

const byLength = `export function grade({ completion, answer, prompt, row }) {
  return completion.length / 10 + answer.length + prompt.length / 100 + row.id.length;
}`;
const file = (name: string) => join(root(), `${name}.js`);
beforeAll(() => writeFile(file('length'), byLength));

async function stage(
  name: string,
  module: object,
  { settings = {}, ...more }: { settings?: object; attempt?: number } = {},
) {
  const grpo = {
    prompts: ['sums'],
    steps: 6,
    promptsPerStep: 2,
    group: 4,
    learningRate: 1e-3,
    sampling: { maxNewTokens: 12 },
    rewards: [{ module }],
    checkpointEvery: 2,
    ...settings,
  };
  return { name, stage: 'own', model: { input: await pin(root(), 'base') }, settings: { grpo }, ...more } as StageToRun;
}

async function metrics(name: string): Promise<Record<string, number>[]> {
  return (await logOf(join(root(), name), 'metrics.jsonl')) as Record<string, number>[];
}

async function means(name: string, kind: string) {
  return (await metrics(name)).map((step) => step[`rewards/${kind}/mean`]);
}

test('the same file gives the same weights wherever it lies, and whatever is killed in the middle', async () => {
  const whole = await runToResult(root(), await stage('whole', { file: file('length') }));
  expect(whole.metrics['rewards/module/mean']).toBeGreaterThan(1);
  await mkdir(join(root(), 'elsewhere'));
  await cp(file('length'), join(root(), 'elsewhere/other.js'));
  const path = await writeStage(root(), await stage('killed', { file: join(root(), 'elsewhere/other.js') }));
  const killed = await runStage(path, { file: join(root(), 'killed/metrics.jsonl'), holds: '"step":5,' });
  expect(killed.signal).toBe('SIGKILL');
  expect(await runStage(path)).toMatchObject({ code: 0, stderr: '' });
  expect((await readResult(root(), 'killed')).checkpoint?.digest).toBe(whole.checkpoint?.digest);
  expect(await metrics('killed')).toEqual(await metrics('whole'));
});

test('another file gives another digest, and is refused where work was saved with the one before', async () => {
  const changing = { file: file('changing') };
  await writeFile(file('changing'), byLength);
  const path = await writeStage(root(), await stage('changed', changing));
  const killed = await runStage(path, { file: join(root(), 'changed/metrics.jsonl'), holds: '"step":5,' });
  expect(killed.signal).toBe('SIGKILL');
  await writeFile(file('changing'), byLength.replace('/ 10', '/ 20'));
  const refused = await runStage(path);
  expect(refused.code).toBe(64);
  expect(refused.stderr).toMatch(
    /reward \S+changing\.js: found \d+ bytes \(sha256 \w{16}…\), expected \d+ bytes \(sha256 \w{16}…\), which 4 saved steps of stage own were learned from: put the file back .* or give the new file another name/,
  );
});

test('what has no score is counted by its cause, warned of, and left out', async () => {
  const source = `let calls = 0;
export function grade({ completion }) {
  calls++;
  if (calls % 4 === 1) return null;
  if (calls % 4 === 2) throw new Error('no unit');
  return completion.length;
}`;
  await writeFile(file('partly'), source);
  await runToResult(root(), await stage('partly', { file: file('partly') }, { settings: { steps: 1 } }));
  const [step = {}] = await metrics('partly');
  expect(step).toMatchObject({
    abstained_frac: 0.5,
    'rewards/module/abstain_frac': 0.25,
    'rewards/module/error_frac': 0.25,
  });
  expect(step['reward']).toBe(step['rewards/module/mean']);
  expect((await readResult(root(), 'partly')).warnings).toContainEqual({
    reason: 'RewardFailed',
    message: expect.stringMatching(
      /^the reward module gives some .* first at step 1 on row \S+: error: line 5: Error: no unit$/,
    ),
  });
});

test('a reward that scores nothing ends the stage with its words', async () => {
  await writeFile(file('broken'), 'export const grade = () => undefined;');
  const { code, stderr } = await runStage(await writeStage(root(), await stage('broken', { file: file('broken') })));
  expect(code).toBe(64);
  expect(stderr).toMatch(
    /step 1: none of 8 completions could be graded: the reward module has no score, first on row \S+: error: it gave undefined; expected a finite number or null/,
  );
});

test('a file that cannot be used ends the stage before it samples', async () => {
  await writeFile(file('faulty'), '\nexport function grade( {');
  const { code, stderr } = await runStage(await writeStage(root(), await stage('faulty', { file: file('faulty') })));
  expect(code).toBe(64);
  expect(stderr).toContain(`${file('faulty')}: line 2: `);
  expect(await lines(join(root(), 'faulty/metrics.jsonl'))).toEqual([]);
});

test('a stage that is asked to stop while a reward hangs ends at once', async () => {
  await writeFile(file('hanging'), `export const grade = () => { process.stderr.write('hangs'); for (;;); };`);
  const slow = await stage('hanging', { file: file('hanging'), timeoutSeconds: 3600 });
  const { child, ended } = startStage(await writeStage(root(), slow));
  child.stderr?.on('data', (said: Buffer) => said.includes('hangs') && child.kill('SIGTERM'));
  expect((await ended).code).toBe(75);
});

test('the example trains', async () => {
  const examples = join(import.meta.dirname, '../../../examples');
  const manifest = parse(await readFile(join(examples, 'own-reward.yaml'), 'utf8')) as R1Pipeline;
  const grpo = manifest.spec.stages.at(-1)?.grpo;
  const guard = { ...grpo?.guard, minPrompts: 8 };
  const smaller = { ...grpo, guard, steps: 2, promptsPerStep: 2, group: 4, sampling: { maxNewTokens: 24 } };
  const settings = mapRewardFiles({ grpo: smaller } as StageSettings, (name) => join(examples, name));
  await runToResult(root(), { name: 'example', model: { input: await pin(root(), 'base') }, settings });
  const scores = (await metrics('example')).flatMap((line) => line['rewards/module/mean'] ?? []); // the guard has lines of its own
  expect(scores).toEqual([expect.any(Number), expect.any(Number)]);
});

// Elsewhere than on Linux nothing ends a process that hears of nothing.
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a reward that hangs does not outlive a trainer that is killed', async () => {
  await writeFile(
    file('left'),
    'export const grade = () => { process.stderr.write(`pid ${process.pid}\\n`); for (;;); };',
  );
  const { child, ended } = startStage(await writeStage(root(), await stage('left', { file: file('left') })));
  child.stderr?.on('data', (said: Buffer) => said.includes('pid ') && child.kill('SIGKILL'));
  const [, pid] = /pid (\d+)/.exec((await ended).stderr) ?? [];
  await eventually(() => expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH'));
});

test('what a file prints is in the log of the stage, and not in its report of progress', async () => {
  await writeFile(
    file('talking'),
    `export const grade = ({ completion }) => (console.log('seen'), completion.length);`,
  );
  const talking = await stage('talking', { file: file('talking') }, { settings: { steps: 1 } });
  const { code, stdout, stderr } = await runStage(await writeStage(root(), talking));
  expect(code).toBe(0);
  expect(stderr).toContain('seen');
  expect(stdout).not.toContain('seen');
  expect(await readFile(join(root(), 'talking/metrics.jsonl'), 'utf8')).toContain('rewards/module/mean');
});

test('a service trains as a file that gives the same scores: in batches, with its key, and again where a request is lost', async () => {
  await runToResult(root(), await stage('by-file', { file: file('length') }, { settings: { steps: 2 } }));
  const http = { url: service().url, batch: 5, concurrency: 1, token: { variable: 'R1_GRADER_TOKEN' } };
  const settings = { steps: 2, rewards: [{ http }] };
  const path = await writeStage(root(), await stage('by-service', {}, { settings }));
  service().loseNext();
  const { code, stdout, stderr } = await startStage(path, { env: { R1_GRADER_TOKEN: key } }).ended;
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).not.toContain(key);
  expect(service().asked).toEqual([0, 5, 3, 5, 3]);
  expect(await means('by-service', 'http')).toEqual(await means('by-file', 'module'));
  expect(await readFile(join(root(), 'by-service/stage.json'), 'utf8')).not.toContain(key);
});

test('a service that refuses the key ends the stage before it samples', async () => {
  const http = { url: service().url, token: { variable: 'R1_GRADER_TOKEN' } };
  const path = await writeStage(root(), await stage('refused', {}, { settings: { rewards: [{ http }] } }));
  const { code, stderr } = await startStage(path, { env: { R1_GRADER_TOKEN: 'another' } }).ended;
  expect(code).toBe(64);
  expect(stderr).toContain('/score: answered 401; expected 200 with scores');
  expect(await lines(join(root(), 'refused/metrics.jsonl'))).toEqual([]);
});

testWithPython('one in Python counts as a module does, and its file is part of what the weights are', async () => {
  const python = join(root(), 'length.py');
  const source = `def by_length(completions, answer, **columns):
    print("seen")
    return [None if at % 4 == 0 else len(each[0]["content"]) / 10 for at, each in enumerate(completions)]
`;
  await writeFile(python, source);
  const inPython = { settings: { rewards: [{ python: { file: python, interpreter: 'python3' } }] } };
  const whole = await writeStage(root(), await stage('python', {}, inPython));
  const { code, stdout, stderr } = await runStage(whole);
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('seen') });
  expect(stdout).not.toContain('seen');
  const [step = {}] = await metrics('python');
  expect(step).toMatchObject({ 'rewards/python/abstain_frac': 0.25, abstained_frac: 0.25 });
  expect(step['reward']).toBe(step['rewards/python/mean']);

  const path = await writeStage(root(), await stage('python-killed', {}, inPython));
  const killed = await runStage(path, { file: join(root(), 'python-killed/metrics.jsonl'), holds: '"step":5,' });
  expect(killed.signal).toBe('SIGKILL');
  await writeFile(python, source.replace('/ 10', '/ 20'));
  const refused = await runStage(path);
  expect(refused.code).toBe(64);
  expect(refused.stderr).toMatch(/reward \S+length\.py: found \d+ bytes/);
  await writeFile(python, source);
  expect(await runStage(path)).toMatchObject({ code: 0 });
  const [one, other] = await Promise.all([readResult(root(), 'python'), readResult(root(), 'python-killed')]);
  expect(other.checkpoint?.digest).toBe(one.checkpoint?.digest);
});

test('columns of a file reach its function, which is refused before it samples where no row has one', async () => {
  await writeFile(join(root(), 'levels.jsonl'), '{"prompt": "1+1=", "level": 3}\n{"prompt": "2+1="}\n');
  const datasets = [{ name: 'levels', file: join(root(), 'levels.jsonl'), domain: 'general' }];
  const python = join(root(), 'level.py');
  const settings = { prompts: ['levels'], steps: 1, rewards: [{ python: { file: python } }] };
  await writeFile(python, 'def by_level(completions, level, **columns): return level');
  await runToResult(root(), { ...(await stage('levels', {}, { settings })), datasets });
  expect((await metrics('levels'))[0]).toMatchObject({
    'rewards/python/mean': 3,
    'rewards/python/abstain_frac': 0.5,
  });

  await writeFile(python, 'def by_topic(completions, topic, **columns): return topic');
  const lacking = { ...(await stage('topics', {}, { settings })), datasets };
  const { code, stderr } = await runStage(await writeStage(root(), lacking));
  expect(code).toBe(64);
  expect(stderr).toContain(
    'level.py: its function needs the column topic; found level in grpo.prompts levels; expected',
  );
  expect(await lines(join(root(), 'topics/metrics.jsonl'))).toEqual([]);
});

test('a module gets the columns of a file', async () => {
  await writeFile(join(root(), 'topics.jsonl'), '{"prompt": "1+1=", "topic": {"level": 4}}\n');
  await writeFile(file('topics'), 'export const grade = ({ row }) => row.columns.topic.level;');
  const settings = { prompts: ['topics'], steps: 1 };
  const datasets = [{ name: 'topics', file: join(root(), 'topics.jsonl'), domain: 'general' }];
  await runToResult(root(), { ...(await stage('module-topics', { file: file('topics') }, { settings })), datasets });
  expect((await metrics('module-topics'))[0]).toMatchObject({ 'rewards/module/mean': 4 });
});
