import { expect, test } from '@jest/globals';
import { jobs, pods, type Job, type Pod } from '../../../operator/kube/client/resources.ts';
import { pipelines, stages } from '../../../operator/kube/objects/r1-kinds.ts';
import { eventually } from '../../support/eventually.ts';
import { answerStatus } from '../../support/fake-api.ts';
import { MemoryApi } from '../../support/memory-api.ts';
import { pipelineOf } from '../../support/pipelines.ts';
import { runController } from '../../support/run-controller.ts';

const pipeline = pipelineOf(`
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
stages: [{name: first, pretrain: {data: [sums], steps: 3}}]
`);
const startedAt = new Date().toISOString();
const base = { image: '', imageID: '', ready: true, restartCount: 0 };
const beside = { ...base, name: 'istio-proxy', state: { running: { startedAt } } };
const terminated = { exitCode: 64, reason: 'Error', message: 'no\n', startedAt, finishedAt: startedAt };
const trainer = { ...base, name: 'trainer', state: { terminated } };

/** The first attempt's pod, in which a sidecar goes on after its trainer. */
async function outlivedAttempt(memory: MemoryApi): Promise<void> {
  await eventually(() => expect(memory.get(jobs, 'test-first-1')).toBeDefined());
  putPod(memory, memory.get(jobs, 'test-first-1')!, { containerStatuses: [trainer, beside] });
}

function putPod(memory: MemoryApi, { spec }: Job, status: Pod['status']): void {
  const labels = spec?.template.metadata?.labels ?? {};
  memory.put(pods, {
    metadata: { name: 'test-first-1-x', namespace: 'team', labels },
    spec: { containers: [{ name: 'trainer' }, { name: 'istio-proxy' }] },
    status: { phase: 'Running', ...status },
  });
}

test('a pod in which a sidecar goes on goes with its Job, after the end of its trainer was recorded', async () => {
  await using memory = await MemoryApi.start();
  memory.put(pipelines, pipeline);
  await using _ = await runController(memory);
  let recordedBefore: string | undefined;
  memory.before = ({ method, path }) => {
    if (method === 'DELETE' && path.endsWith('/test-first-1')) recordedBefore ??= outcome(memory);
  };
  await outlivedAttempt(memory);
  await eventually(() => expect(memory.get(jobs, 'test-first-1')).toBeUndefined());
  expect(recordedBefore).toBe('Failed');
});

test('it gets seconds for that, and not what the trainer had to save', async () => {
  await using memory = await MemoryApi.start();
  memory.put(pipelines, pipeline);
  await using _ = await runController(memory);
  const ends = new Map<string, unknown>();
  memory.before = ({ method, path, body }) => {
    if (method === 'DELETE')
      ends.set(path.split('/').at(-1)!, (body as { gracePeriodSeconds?: number }).gracePeriodSeconds);
  };
  await outlivedAttempt(memory);
  const [job, pod] = [
    ['test-first-1', undefined],
    ['test-first-1-x', 10],
  ];
  // In this order; one that is asked for again before its end was heard of is asked for in the same way.
  await eventually(() => expect([...ends]).toEqual([pod, job]));
});

test.each(['a queue that may let it begin', 'a pod that runs'])(
  'a Job that a deposed operator makes again after the end of its attempt goes, with %s',
  async (what) => {
    await using memory = await MemoryApi.start();
    memory.put(pipelines, pipeline);
    await using _ = await runController(memory);
    await outlivedAttempt(memory);
    const { status: __, ...job } = memory.get(jobs, 'test-first-1')!;
    await eventually(() => expect(memory.get(jobs, 'test-first-1')).toBeUndefined());
    const state = { running: { startedAt } };
    if (what === 'a pod that runs') putPod(memory, job, { containerStatuses: [{ ...trainer, state }] });
    memory.put(jobs, { ...job, metadata: { ...job.metadata, uid: 'made-again' } });
    await eventually(() => expect(memory.get(jobs, 'test-first-1')).toBeUndefined());
    expect(outcome(memory)).toBe('Failed');
  },
);

test('it goes also when the operator that recorded the end could not remove it any more', async () => {
  await using memory = await MemoryApi.start();
  memory.put(pipelines, pipeline);
  memory.before = ({ method }, response) => {
    if (method === 'DELETE') answerStatus(response, 403, 'Forbidden');
  };
  {
    await using _ = await runController(memory);
    await outlivedAttempt(memory);
    await eventually(() => expect(outcome(memory)).toBe('Failed'));
  }
  memory.before = () => undefined;
  await using _ = await runController(memory);
  await eventually(() => expect(memory.get(jobs, 'test-first-1')).toBeUndefined());
});

function outcome(memory: MemoryApi): string | undefined {
  return memory.get(stages, 'test-first')?.status?.attempts[0]?.outcome;
}
