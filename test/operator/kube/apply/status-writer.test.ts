import { expect, test } from '@jest/globals';
import { findCondition, type Condition } from '../../../../operator/api/resources/conditions.ts';
import type { PipelineStatus, R1Pipeline } from '../../../../operator/api/resources/pipeline.ts';
import { pipelines } from '../../../../operator/kube/objects/r1-kinds.ts';
import { eventually } from '../../../support/eventually.ts';
import { MemoryApi } from '../../../support/memory-api.ts';
import { pipelineOf } from '../../../support/pipelines.ts';
import { runController } from '../../../support/run-controller.ts';
import { OperatorMetrics } from '../../../../operator/kube/metrics.ts';
import { StatusWriter } from '../../../../operator/kube/apply/status-writer.ts';
import { keyOf, type KubeObject, type Stored } from '../../../../operator/kube/client/resources.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const pipeline = pipelineOf(`
suspend: true
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
stages: [{name: first, pretrain: {data: [sums], steps: 3}}]
`);

/** Writes to one object that keeps what it is given, on a clock of its own. */
function writer({ settleMs = 1000 } = {}) {
  const clock = new ManualClock();
  const written: string[] = [];
  const objects = new Map<string, Stored<KubeObject & { status?: Words }>>();
  const statuses = new StatusWriter<KubeObject & { status?: Words }, Words>({
    clock,
    kind: { apiVersion: 'v1', kind: 'Thing', plural: 'things', namespaced: true },
    client: {
      applyStatus: async (_: unknown, object: Stored<KubeObject>, status: Words) => {
        written.push(`${object.metadata.name} ${status.says}`);
        return { ...object, status };
      },
    } as never,
    objects: {
      get: (key: string) => objects.get(key),
      assume: (object: Stored<KubeObject>) => objects.set(keyOf(object), object),
    } as never,
    events: { record: () => undefined } as never,
    settleMs: (_, { says }) => (says === 'end' ? 0 : settleMs),
    eventsOf: () => [],
    // As the reconciler does, which saves only what is new.
    requeueAfter: (key, afterMs) =>
      clock.after(afterMs, () => {
        const status = said.get(key);
        const object = objects.get(key);
        if (status !== undefined && status !== object?.status) void statuses.save(object!, status);
      }),
    onPruned: () => undefined,
  });
  const said = new Map<string, Words>();
  const say = async (name: string, says: string): Promise<void> => {
    const metadata = { name, namespace: 'team', uid: name, resourceVersion: '1', creationTimestamp: '' };
    const key = keyOf({ metadata });
    const object = objects.get(key) ?? { metadata };
    objects.set(key, object);
    said.set(key, { says, conditions: [] });
    await statuses.save(object, said.get(key)!);
  };
  return { clock, written, say, undo: (name: string) => said.delete(`team/${name}`) };
}

interface Words {
  readonly says: string;
  readonly conditions: readonly Condition[];
}

test('what somebody has written since the object was read is not overwritten, and no pass fails for it', async () => {
  await using memory = await MemoryApi.start();
  const old = memory.put(pipelines, { ...pipeline, metadata: { ...pipeline.metadata, namespace: 'team' } });
  memory.put(pipelines, { ...old, metadata: { ...old.metadata, labels: { team: 'a' } } });
  const statuses = new StatusWriter<R1Pipeline, PipelineStatus>({
    clock: new ManualClock(),
    kind: pipelines,
    client: memory.api.client(),
    objects: { get: () => old } as never,
    events: { record: () => undefined } as never,
    settleMs: () => 0,
    eventsOf: () => [],
    requeueAfter: () => undefined,
    onPruned: () => undefined,
  });
  expect(await statuses.save(old, { conditions: [] } as never)).toBeUndefined();
  expect(memory.get(pipelines, 'test')?.status).toBeUndefined();
});

test('of what changes again before it was told the last is told', async () => {
  const { clock, written, say } = writer();
  await say('one', 'pending');
  await clock.pass(999);
  await say('one', 'running');
  expect(written).toEqual([]);
  await clock.pass(1);
  expect(written).toEqual(['one running']);
});

test('what somebody waits for is told at once, and nothing after it', async () => {
  const { clock, written, say } = writer();
  await say('one', 'running');
  await say('one', 'end');
  expect(written).toEqual(['one end']);
  await clock.pass(60_000);
  expect(written).toEqual(['one end']);
});

test('where many change at a time five are told in a second, and each within fifteen seconds', async () => {
  const { clock, written, say } = writer();
  const names = Array.from({ length: 200 }, (_, at) => `stage-${at}`);
  for (const name of names) await say(name, 'running');
  await clock.pass(8999);
  expect(written).toHaveLength(45);
  await clock.pass(6001);
  expect(written).toHaveLength(200);
});

test('what has become again what it was holds up nothing for long', async () => {
  const { clock, written, say, undo } = writer();
  for (let at = 0; at < 50; at++) {
    await say(`undone-${at}`, 'pending');
    undo(`undone-${at}`);
  }
  await clock.pass(30_000);
  await say('one', 'running');
  await clock.pass(1000);
  expect(written).toEqual(['one running']);
});

const writesTo = ({ api }: MemoryApi) => api.requests.filter(({ path }) => path.endsWith('/status')).length;

test('a status is written once, and no more where nothing is new', async () => {
  await using memory = await MemoryApi.start();
  memory.put(pipelines, pipeline);
  await using _ = await runController(memory);
  await eventually(() => expect(memory.get(pipelines, 'test')?.status?.display?.state).toBe('Suspended'));
  memory.put(pipelines, { ...memory.get(pipelines, 'test')! });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(writesTo(memory)).toBe(1);
});

test('an operator that is newer than its definitions says which fields are lost', async () => {
  await using memory = await MemoryApi.start();
  memory.pruned = ['display'];
  memory.put(pipelines, pipeline);
  const metrics = new OperatorMetrics();
  await using _ = await runController(memory, { metrics });
  await eventually(async () => {
    const text = await metrics.registry.metrics();
    expect(text).toContain('r1_outdated_definitions{kind="R1Pipeline"} 1');
  });
  const told = () => findCondition(memory.get(pipelines, 'test')?.status?.conditions, 'DefinitionOutdated');
  await eventually(() => expect(told()).toMatchObject({ status: 'True', reason: 'FieldsDropped' }));
  expect(told()?.message).toBe(
    "the definition of R1Pipeline in this cluster is older than the operator, and drops status.display: apply the CRDs of the operator's version",
  );

  memory.pruned = [];
  memory.put(pipelines, { ...memory.get(pipelines, 'test')! });
  await eventually(() => expect(told()).toMatchObject({ status: 'False', message: '' }));
});
