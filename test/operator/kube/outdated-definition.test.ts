import { expect, test } from '@jest/globals';
import { findCondition } from '../../../operator/api/resources/conditions.ts';
import { jobs } from '../../../operator/kube/client/resources.ts';
import { OperatorMetrics } from '../../../operator/kube/metrics.ts';
import { pipelines, stages } from '../../../operator/kube/objects/r1-kinds.ts';
import { eventually } from '../../support/eventually.ts';
import { MemoryApi } from '../../support/memory-api.ts';
import { pipelineOf } from '../../support/pipelines.ts';
import { runController } from '../../support/run-controller.ts';

const asking = (more: string) =>
  pipelineOf(`
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
stages: [{name: first, pretrain: {data: [sums], steps: 3}${more}}]
`);
const words = ({ memory }: { readonly memory: MemoryApi }) =>
  findCondition(memory.get(pipelines, 'test')?.status?.conditions, 'Succeeded');

test('nothing is trained with settings that an older definition of R1Stage drops, and the pipeline says which', async () => {
  await using memory = await MemoryApi.start();
  memory.prunedSpec = ['precision'];
  memory.put(pipelines, asking(', precision: bf16'));
  const metrics = new OperatorMetrics();
  await using _ = await runController(memory, { metrics });
  await eventually(() =>
    expect(words({ memory })).toMatchObject({
      status: 'Unknown',
      reason: 'Refused',
      message:
        "stage first: the definition of R1Stage in this cluster is older than the operator, and drops spec.precision: apply the CRDs of the operator's version",
    }),
  );
  expect(await metrics.registry.metrics()).toContain('r1_outdated_definitions{kind="R1Stage"} 1');
  await eventually(() => expect(memory.get(stages, 'test-first')?.status?.display?.state).toBe('Pending'));
  expect(memory.all(jobs)).toEqual([]);

  memory.prunedSpec = [];
  const { metadata, spec } = memory.get(pipelines, 'test')!;
  memory.put(pipelines, { ...memory.get(pipelines, 'test')!, metadata, spec: { ...spec, seed: 1 } });
  await eventually(() => expect(memory.get(jobs, 'test-first-1')).toBeDefined());
  expect(memory.get(stages, 'test-first')?.spec.precision).toBe('bf16');
});

test('a setting that is dropped and says what is the default anyway stops nothing', async () => {
  await using memory = await MemoryApi.start();
  memory.prunedSpec = ['precision', 'seed'];
  memory.put(pipelines, asking(''));
  await using _ = await runController(memory);
  await eventually(() => expect(memory.get(jobs, 'test-first-1')).toBeDefined());
});
