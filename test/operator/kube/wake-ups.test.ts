import { setTimeout as sleep } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import { findCondition } from '../../../operator/api/resources/conditions.ts';
import { jobs } from '../../../operator/kube/client/resources.ts';
import { OperatorMetrics } from '../../../operator/kube/metrics.ts';
import { pipelines, stages } from '../../../operator/kube/objects/r1-kinds.ts';
import { eventually } from '../../support/eventually.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { answerStatus } from '../../support/fake-api.ts';
import { MemoryApi } from '../../support/memory-api.ts';
import { pipelineOf } from '../../support/pipelines.ts';
import { runController } from '../../support/run-controller.ts';

const pipeline = pipelineOf(`
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
stages: [{name: first, pretrain: {data: [sums], steps: 3}}]
`);
const { name } = pipeline.metadata;
const stage = `${name}-first`;

/** Has something done just before the first status of an object of this kind is written. */
function beforeItsStatus(memory: MemoryApi, plural: string, act: () => void): void {
  let done = false;
  memory.before = ({ method, path }) => {
    if (done || method !== 'PATCH' || !path.includes(`/${plural}/`) || !path.endsWith('/status')) return;
    done = true;
    act();
  };
}

test('an edit of a pipeline just before its status is written is not lost', async () => {
  await using memory = await MemoryApi.start();
  memory.put(pipelines, { ...pipeline, spec: { ...pipeline.spec, suspend: true } });
  beforeItsStatus(memory, 'r1pipelines', () => {
    const stored = memory.get(pipelines, name);
    if (stored !== undefined) memory.put(pipelines, { ...stored, spec: { ...stored.spec, suspend: false } });
  });
  await using _ = await runController(memory);
  await eventually(() => expect(memory.get(stages, stage)).toBeDefined());
});

test('an edit of a stage just before its status is written is not lost', async () => {
  await using memory = await MemoryApi.start();
  memory.put(pipelines, pipeline);
  beforeItsStatus(memory, 'r1stages', () => {
    const stored = memory.get(stages, stage);
    if (stored !== undefined) memory.put(stages, { ...stored, spec: { ...stored.spec, suspend: true } });
  });
  await using _ = await runController(memory);
  await eventually(() => {
    const succeeded = findCondition(memory.get(stages, stage)?.status?.conditions, 'Succeeded');
    expect(succeeded?.reason).toMatch(/Suspended|AttemptStopping/);
  });
});

test('a status that was refused as outdated is written, also where nothing more is heard of the object', async () => {
  await using memory = await MemoryApi.start();
  memory.put(pipelines, { ...pipeline, spec: { ...pipeline.spec, suspend: true } });
  let refused = 0;
  memory.before = ({ method, path }, response) => {
    if (method === 'PATCH' && path.endsWith('/status') && refused++ === 0) answerStatus(response, 409, 'Conflict');
  };
  await using _ = await runController(memory);
  await eventually(() => expect(memory.get(pipelines, name)?.status?.display?.state).toBe('Suspended'));
  expect(refused).toBeGreaterThan(1);
});

test('another object for a stage begins at once when the one is gone that had the stage', async () => {
  await using memory = await MemoryApi.start();
  memory.put(pipelines, pipeline);
  await using _ = await runController(memory);
  await eventually(() => expect(memory.get(jobs, `${stage}-1`)).toBeDefined());
  const { kind, apiVersion, metadata, spec } = memory.get(stages, stage)!;
  const { ownerReferences } = metadata as R1Stage['metadata'];
  memory.put(stages, { kind, apiVersion, metadata: { name: 'other', namespace: 'team', ownerReferences }, spec });
  await eventually(() => {
    const succeeded = findCondition(memory.get(stages, 'other')?.status?.conditions, 'Succeeded');
    expect(succeeded).toMatchObject({ reason: 'Refused', message: expect.stringContaining(`is R1Stage ${stage}`) });
  });
  // No time goes by in which it would be tried again anyway.
  const now = Date.now();
  jest.spyOn(Date, 'now').mockReturnValue(now);
  memory.remove(stages, stage);
  await eventually(() => expect(memory.get(jobs, 'other-1')).toBeDefined());
  jest.restoreAllMocks();
});

test('an object that nothing was heard of is looked at again after a while, and nothing is written for it', async () => {
  const clock = new ManualClock();
  await using memory = await MemoryApi.start();
  memory.put(pipelines, { ...pipeline, spec: { ...pipeline.spec, suspend: true } });
  const metrics = new OperatorMetrics();
  await using _ = await runController(memory, { clock, metrics });
  await eventually(() => expect(memory.get(pipelines, name)?.status?.display?.state).toBe('Suspended'));
  const { resourceVersion } = memory.get(pipelines, name)?.metadata ?? {};
  let before = -1;
  while (before !== (before = await passesOf(metrics))) await sleep(1500);
  jest.spyOn(Math, 'random').mockReturnValue(0);
  await clock.pass(600_000);
  jest.restoreAllMocks();
  await eventually(async () => expect(await passesOf(metrics)).toBeGreaterThan(before));
  expect(memory.get(pipelines, name)?.metadata.resourceVersion).toBe(resourceVersion);
});

async function passesOf({ registry }: OperatorMetrics): Promise<number> {
  const { values = [] } = (await registry.getSingleMetric('r1_reconcile_duration_seconds')?.get()) ?? {};
  const counts = values as { readonly metricName?: string; readonly value: number }[];
  return counts.filter(({ metricName }) => metricName?.endsWith('_count')).reduce((sum, { value }) => sum + value, 0);
}
