import { expect, test } from '@jest/globals';
import { pipelines } from '../../../../operator/kube/objects/r1-kinds.ts';
import { eventually } from '../../../support/eventually.ts';
import { MemoryApi } from '../../../support/memory-api.ts';
import { pipelineOf } from '../../../support/pipelines.ts';
import { runController } from '../../../support/run-controller.ts';
import { OperatorMetrics } from '../../../../operator/kube/metrics.ts';

const pipeline = pipelineOf(`
suspend: true
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
stages: [{name: first, pretrain: {data: [sums], steps: 3}}]
`);

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
});
