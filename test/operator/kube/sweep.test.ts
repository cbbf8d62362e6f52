import { expect, test } from '@jest/globals';
import { jobs, pods } from '../../../operator/kube/client/resources.ts';
import { attemptLabels } from '../../../operator/kube/objects/labels.ts';
import { pipelines, stages } from '../../../operator/kube/objects/r1-kinds.ts';
import { eventually } from '../../support/eventually.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryApi } from '../../support/memory-api.ts';
import { pipelineOf } from '../../support/pipelines.ts';
import { runController } from '../../support/run-controller.ts';

const pipeline = pipelineOf(`
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
stages: [{name: first, pretrain: {data: [sums], steps: 3}}]
`);
const of = (stageUid: string) => ({
  namespace: 'team',
  labels: { [attemptLabels.stageUid]: stageUid, [attemptLabels.attempt]: '1', [attemptLabels.component]: 'trainer' },
});

test('Jobs and pods of a stage that is gone are deleted where nobody collects them, and no others', async () => {
  const clock = new ManualClock();
  await using memory = await MemoryApi.start();
  memory.put(pipelines, pipeline);
  await using _ = await runController(memory, { clock });
  await eventually(() => expect(memory.get(jobs, 'test-first-1')).toBeDefined());
  const { uid } = memory.get(stages, 'test-first')!.metadata;
  memory.put(pods, { metadata: { ...of(uid), name: 'lives' }, status: { phase: 'Running' } });
  memory.put(jobs, { metadata: { ...of('gone'), name: 'left' } });
  memory.put(pods, { metadata: { ...of('gone'), name: 'left-pod' }, status: { phase: 'Running' } });
  const left = () => [memory.get(jobs, 'left'), memory.get(pods, 'left-pod')].filter((each) => each !== undefined);
  await clock.pass(300_000); // time enough for a garbage collector
  expect(left()).toHaveLength(2);
  await eventually(async () => {
    await clock.pass(300_000);
    expect(left()).toEqual([]);
  });
  expect(memory.get(jobs, 'test-first-1')).toBeDefined();
  expect(memory.get(pods, 'lives')).toBeDefined();
});
