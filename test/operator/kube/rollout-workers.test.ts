import { expect, test } from '@jest/globals';
import { jobs, pods, type Job, type Stored } from '../../../operator/kube/client/resources.ts';
import { pipelines, stages } from '../../../operator/kube/objects/r1-kinds.ts';
import { eventually } from '../../support/eventually.ts';
import { MemoryApi } from '../../support/memory-api.ts';
import { pipelineOf } from '../../support/pipelines.ts';
import { runController } from '../../support/run-controller.ts';

const pipeline = pipelineOf(`
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
stages:
  - {name: zero, grpo: {prompts: [sums], steps: 3, rewards: [{accuracy: {}}]}, rolloutWorkers: 2}
`);

/** The pod of an attempt, with its trainer in this state. */
function setPod(memory: MemoryApi, { metadata, spec }: Stored<Job>, phase: string, state: object): void {
  const labels = spec?.template.metadata?.labels ?? {};
  const container = { name: 'trainer', image: '', imageID: '', ready: true, restartCount: 0, state };
  memory.put(pods, {
    metadata: { name: `${metadata.name}-x`, namespace: 'team', labels },
    spec: { containers: [{ name: 'trainer' }] },
    status: { phase, containerStatuses: [container] },
  });
}

test('rollout workers that wait are made anew with other defaults, and with the image of their learner', async () => {
  await using memory = await MemoryApi.start();
  memory.put(pipelines, { ...pipeline, metadata: { ...pipeline.metadata, namespace: 'team' } });
  const workers = () => memory.get(jobs, 'test-zero-1-rollout');
  {
    await using _ = await runController(memory, { image: 'r1-operator:1' });
    await eventually(() => expect(memory.get(jobs, 'test-zero-1')).toBeDefined());
    const running = { running: { startedAt: new Date().toISOString() } };
    setPod(memory, memory.get(jobs, 'test-zero-1')!, 'Running', running);
    await eventually(() => expect(workers()).toBeDefined());
  }
  const { uid } = workers()!.metadata;
  const defaults = { all: { nodeSelector: { pool: 'samplers' } }, gpu: {} };
  await using _ = await runController(memory, { image: 'r1-operator:2', defaults });
  await eventually(() => expect(workers()?.spec?.template.spec?.nodeSelector).toEqual({ pool: 'samplers' }));
  expect(workers()?.metadata.uid).not.toBe(uid);
  expect(workers()?.spec?.template.spec?.containers[0]?.image).toBe('r1-operator:1');
});

test('rollout workers come when their learner runs, and go when it has ended', async () => {
  await using memory = await MemoryApi.start();
  memory.put(pipelines, { ...pipeline, metadata: { ...pipeline.metadata, namespace: 'team' } });
  await using _ = await runController(memory);
  await eventually(() => expect(memory.get(jobs, 'test-zero-1')).toBeDefined());
  const job = memory.get(jobs, 'test-zero-1')!;
  await eventually(() => expect(memory.get(stages, 'test-zero')?.status?.attempts).toHaveLength(1));
  expect(memory.get(jobs, 'test-zero-1-rollout')).toBeUndefined();

  const startedAt = new Date().toISOString();
  setPod(memory, job, 'Running', { running: { startedAt } });
  await eventually(() => expect(memory.get(jobs, 'test-zero-1-rollout')?.spec?.completions).toBe(2));

  const terminated = { exitCode: 64, reason: 'Error', message: 'no\n', startedAt, finishedAt: startedAt };
  setPod(memory, job, 'Failed', { terminated });
  const failed = { type: 'Failed', status: 'True', lastTransitionTime: startedAt };
  memory.put(jobs, { ...memory.get(jobs, 'test-zero-1')!, status: { conditions: [failed] } });
  await eventually(() => expect(memory.get(jobs, 'test-zero-1-rollout')).toBeUndefined());
});
