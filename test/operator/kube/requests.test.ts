import { expect, test } from '@jest/globals';
import { findCondition } from '../../../operator/api/resources/conditions.ts';
import { jobs, pods, type Job, type Stored } from '../../../operator/kube/client/resources.ts';
import { pipelines, stages } from '../../../operator/kube/objects/r1-kinds.ts';
import { resultMessage } from '../../support/attempt-objects.ts';
import { eventually } from '../../support/eventually.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryApi } from '../../support/memory-api.ts';
import { pipelineOf } from '../../support/pipelines.ts';
import { runController } from '../../support/run-controller.ts';

const pipeline = pipelineOf(`
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
stages:
  - {name: first, pretrain: {data: [sums], steps: 3}}
  - {name: second, model: {from: first}, sft: {data: [sums]}}
`);
const startedAt = new Date().toISOString();

/** The pod of an attempt, with its trainer in this state. */
function setPod(memory: MemoryApi, { metadata, spec }: Stored<Job>, phase: string, state: object): void {
  const container = { name: 'trainer', image: '', imageID: '', ready: true, restartCount: 0, state };
  memory.put(pods, {
    metadata: { name: `${metadata.name}-x`, namespace: 'team', labels: spec?.template.metadata?.labels ?? {} },
    spec: { containers: [{ name: 'trainer' }] },
    status: { phase, containerStatuses: [container] },
  });
}

async function jobOf(memory: MemoryApi, stage: string): Promise<Stored<Job>> {
  await eventually(() => expect(memory.get(jobs, `test-${stage}-1`)).toBeDefined());
  return memory.get(jobs, `test-${stage}-1`)!;
}

function run(memory: MemoryApi, job: Stored<Job>): void {
  setPod(memory, job, 'Running', { running: { startedAt } });
}

function succeed(memory: MemoryApi, job: Stored<Job>): void {
  const message = resultMessage({ checkpoint: { path: 'step-000003', step: 3, digest: 'ab'.repeat(32) } });
  const terminated = { exitCode: 0, reason: 'Completed', message, startedAt, finishedAt: startedAt };
  setPod(memory, job, 'Succeeded', { terminated });
}

/** How often what was asked for, but for watches and what is listed before them. */
function requestsOf({ api }: MemoryApi): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { method, path } of api.requests) {
    const [, namespaced] = path.split('/namespaces/team/');
    if (namespaced === undefined) continue;
    const [plural, , subresource] = namespaced.split('/');
    const what = [method, plural, ...(subresource === undefined ? [] : [subresource])].join(' ');
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}

async function hasSucceeded(memory: MemoryApi): Promise<void> {
  await eventually(() => {
    const succeeded = findCondition(memory.get(pipelines, 'test')?.status?.conditions, 'Succeeded');
    expect(succeeded?.status).toBe('True');
  });
}

test('stages that end before anybody could read what they are at cost four requests each', async () => {
  await using memory = await MemoryApi.start();
  memory.put(pipelines, pipeline);
  {
    await using _ = await runController(memory, { clock: new ManualClock() });
    for (const stage of ['first', 'second']) {
      const job = await jobOf(memory, stage);
      run(memory, job);
      succeed(memory, job);
    }
    await hasSucceeded(memory);
  }
  expect(requestsOf(memory)).toEqual({
    'POST persistentvolumeclaims': 1,
    'POST r1stages': 2,
    'POST configmaps': 2,
    'POST jobs': 2,
    'PATCH r1stages status': 2,
    'PATCH r1pipelines status': 1,
    'POST events': 3,
  });
});

test('a stage that runs for a while costs one status more, and its pipeline another one', async () => {
  const clock = new ManualClock();
  await using memory = await MemoryApi.start();
  memory.put(pipelines, pipeline);
  await using _ = await runController(memory, { clock });
  run(memory, await jobOf(memory, 'first'));
  await eventually(async () => {
    await clock.pass(1000);
    expect(memory.get(pipelines, 'test')?.status?.display?.state).toBe('Running');
  });
  await clock.pass(60_000);
  expect(memory.get(stages, 'test-first')?.status?.display?.state).toBe('Running');
  expect(requestsOf(memory)).toMatchObject({ 'PATCH r1stages status': 1, 'PATCH r1pipelines status': 1 });
});

test('an attempt that waits to start says so soon, and costs one status', async () => {
  const clock = new ManualClock();
  await using memory = await MemoryApi.start();
  memory.put(pipelines, pipeline);
  await using _ = await runController(memory, { clock });
  await jobOf(memory, 'first');
  await clock.pass(3000);
  await eventually(() => expect(memory.get(stages, 'test-first')?.status?.display?.state).toBe('Pending'));
  await clock.pass(60_000);
  expect(requestsOf(memory)).toMatchObject({ 'PATCH r1stages status': 1 });
});

test('a gate that waits for a person is told of at once, also where nothing was told of its pipeline before', async () => {
  const gated = pipelineOf(`
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
stages: [{name: first, pretrain: {data: [sums], steps: 3}, gate: {metric: loss, approval: true}}]
`);
  await using memory = await MemoryApi.start();
  memory.put(pipelines, gated);
  await using _ = await runController(memory, { clock: new ManualClock() });
  succeed(memory, await jobOf(memory, 'first'));
  await eventually(() => {
    const succeeded = findCondition(memory.get(pipelines, 'test')?.status?.conditions, 'Succeeded');
    expect(succeeded?.reason).toBe('WaitingForApproval');
  });
  expect(requestsOf(memory)).toMatchObject({ 'PATCH r1pipelines status': 1 });
});
