import { userInfo } from 'node:os';
import { expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { fourStages, pipelineOf, Workbench } from '../support/pipelines.ts';

const stages = (gate: string): string => fourStages.replace('steps: 3}}', `steps: 3}, gate: ${gate}}`);
const asksPerson = '{metric: x, atLeast: 1, onFailure: Wait}';

function approve(bench: Workbench, stage: string, ...more: string[]) {
  return r1(['approve', 'test', stage, '--state', bench.stateDir, ...more]);
}

test.each([asksPerson, '{approval: true}'])('opens a gate that waits: %s', async (gate) => {
  const bench = new Workbench();
  const pipeline = pipelineOf(stages(gate));
  expect(await bench.run(pipeline)).toMatchObject({ outcome: 'Waiting', reason: 'WaitingForApproval' });
  expect(await approve(bench, 'pretrained', '--because', 'it will do')).toMatchObject({
    code: 0,
    stdout: 'test: the gate of pretrained is approved; the next r1 run goes on\n',
  });
  const ended = await bench.run(pipeline);
  expect(ended.outcome).toBe('Succeeded');
  const { username } = userInfo();
  expect(ended.pipeline.status?.gates).toMatchObject([
    { action: 'Approved', approvedBy: username, message: expect.stringContaining(`approved by ${username}`) },
  ]);
});

test('an exception is recorded with who made it, when and why', async () => {
  const bench = new Workbench();
  const pipeline = pipelineOf(stages('{metric: reward, atLeast: 1, onFailure: Wait}'));
  await bench.run(pipeline);
  await approve(bench, 'pretrained', '--because', 'the verifier was down');
  const { username } = userInfo();
  expect((await bench.run(pipeline)).pipeline.status?.gates).toMatchObject([
    {
      action: 'Approved',
      passed: false,
      approvedBy: username,
      because: 'the verifier was down',
      time: expect.any(String),
      message: `reward is 0.5, at least 1 was asked; approved by ${username}: the verifier was down`,
    },
  ]);
});

test.each([['get'], ['get', 'stages'], ['get', 'stages', 'test']])(
  'r1 %s says which gate waits and what opens it',
  async (...args) => {
    const bench = new Workbench();
    await bench.run(pipelineOf(stages('{metric: reward, atLeast: 1, onFailure: Wait}')));
    const { code, stdout, stderr } = await r1([...args, '--state', bench.stateDir]);
    expect([code, stderr]).toEqual([
      0,
      'test: gate of pretrained: reward is 0.5, at least 1 was asked; waits for approval: ' +
        `r1 approve --state ${bench.stateDir} test pretrained --because 'REASON'\n`,
    ]);
    if (args.length === 1) expect(stdout).toMatch(/\ntest +Waiting +pretrained +0\/4 +- /);
  },
);

test.each([['get'], ['get', 'stages']])('r1 %s says that a gate is approved before a run goes on', async (...args) => {
  const bench = new Workbench();
  await bench.run(pipelineOf(stages(asksPerson)));
  await approve(bench, 'pretrained', '--because', 'it will do');
  const { stderr } = await r1([...args, '--state', bench.stateDir]);
  expect(stderr).toBe('test: the gate of pretrained is approved; r1 run goes on\n');
});

test('opens a gate while another stage of the pipeline runs', async () => {
  const bench = new Workbench({ other: [{ steps: 1e6, stepMs: 20 }] });
  const spec = `${stages(asksPerson)}  - {name: other, pretrain: {data: [sums], steps: 3}}\n`;
  const stop = new AbortController();
  const running = bench.run(pipelineOf(spec), { maxRunningStages: 2, signal: stop.signal });
  const status = () => JSON.parse(bench.read('pipeline.json')).status;
  await eventually(() => expect(status().gates).toMatchObject([{ action: 'Waiting' }]));
  const { stdout } = await approve(bench, 'pretrained', '--because', 'it will do');
  expect(stdout).toBe(`test: the gate of pretrained is approved; process ${process.pid} goes on\n`);
  await eventually(() => expect(status().stages[1]).toMatchObject({ name: 'zero', state: 'Succeeded' }));
  stop.abort();
  await running;
});

test('is remembered for a stage that has not ended', async () => {
  const bench = new Workbench({ pretrained: [{ failAfter: 1, exit: 'userError' }, {}] });
  const pipeline = pipelineOf(stages(asksPerson));
  expect((await bench.run(pipeline)).outcome).toBe('Failed');
  const { stdout } = await approve(bench, 'pretrained', '--because', 'it will do');
  expect(stdout).toBe('test: the gate of pretrained is approved; it will not wait when the stage has succeeded\n');
  expect((await bench.run(pipeline)).outcome).toBe('Succeeded');
});

test('counts beside the approvals that the manifest brings along', async () => {
  const bench = new Workbench();
  const { metadata, ...pipeline } = pipelineOf(stages(asksPerson));
  const annotated = { ...pipeline, metadata: { ...metadata, annotations: { 'r1.dev/approved': 'zero' } } };
  await bench.run(annotated);
  await approve(bench, 'pretrained', '--because', 'it will do');
  expect((await bench.run(annotated)).outcome).toBe('Succeeded');
});

test('does not count for a result that is made anew', async () => {
  const bench = new Workbench();
  const pipeline = pipelineOf(stages(asksPerson));
  await bench.run(pipeline);
  await approve(bench, 'pretrained', '--because', 'it will do');
  expect((await bench.run(pipeline)).outcome).toBe('Succeeded');
  expect((await approve(bench, 'pretrained', '--because', 'it will do')).stdout).toBe(
    'test: the gate of pretrained was approved before\n',
  );
  bench.plan({ pretrained: [{ steps: 4 }] });
  expect((await bench.run(pipeline, { rerunFrom: ['pretrained'] })).outcome).toBe('Waiting');
});

test.each([
  { gate: asksPerson, stage: 'nosuch', says: 'found no stage "nosuch"; expected one of pretrained' },
  { gate: asksPerson, stage: 'zero', says: 'found no gate at zero; expected one of pretrained' },
  {
    gate: '{metric: x, atLeast: 1}',
    stage: 'pretrained',
    says: 'found a gate at pretrained that asks no person (onFailure: Stop); none of its gates waits for a person',
  },
  {
    gate: asksPerson,
    stage: 'pretrained',
    says: "the gate of pretrained has a bound; found no reason to go on without it, expected one: --because 'REASON'",
  },
  {
    gate: '{metric: reward, atLeast: 0, onFailure: Wait}',
    stage: 'pretrained',
    says: 'the gate of pretrained was decided before (Passed): reward is 0.5, at least 0 was asked',
  },
])('refuses $stage behind $gate', async ({ gate, stage, says }) => {
  const bench = new Workbench();
  await bench.run(pipelineOf(stages(gate)));
  expect(await approve(bench, stage)).toEqual({ code: 64, stdout: '', stderr: `r1: pipeline test: ${says}\n` });
});

test('names the pipelines that there are', async () => {
  const bench = new Workbench();
  await bench.run(pipelineOf(fourStages));
  const { code, stderr } = await r1(['approve', 'tset', 'zero', '--state', bench.stateDir]);
  expect([code, stderr]).toEqual([64, `r1: pipeline "tset" not found in ${bench.stateDir}; known: test\n`]);
});
