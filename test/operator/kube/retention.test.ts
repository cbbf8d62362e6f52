import { expect, test } from '@jest/globals';
import { volumeClaims } from '../../../operator/kube/client/resources.ts';
import { pipelines } from '../../../operator/kube/objects/r1-kinds.ts';
import { ownedBy } from '../../../operator/kube/objects/labels.ts';
import { eventually } from '../../support/eventually.ts';
import { answerStatus } from '../../support/fake-api.ts';
import { MemoryApi } from '../../support/memory-api.ts';
import { pipelineOf } from '../../support/pipelines.ts';
import { runController } from '../../support/run-controller.ts';

const pipeline = pipelineOf(`
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
storage: {retention: Retain}
stages: [{name: first, pretrain: {data: [sums], steps: 3}}]
`);

const claimOf = (memory: MemoryApi) => memory.get(volumeClaims, 'test-volume');
const ownersOf = (memory: MemoryApi) => claimOf(memory)?.metadata.ownerReferences ?? [];
const saidOf = (memory: MemoryApi) => memory.get(pipelines, 'test')?.status?.volumeRetained;

test('a claim that is to stay does so again, whoever has made it go with its pipeline after the status said that it stays', async () => {
  await using memory = await MemoryApi.start();
  const { uid } = memory.put(pipelines, pipeline).metadata;
  await using _ = await runController(memory);
  await eventually(() => expect([claimOf(memory) !== undefined, saidOf(memory)]).toEqual([true, true]));
  memory.put(volumeClaims, {
    ...claimOf(memory)!,
    metadata: { ...claimOf(memory)!.metadata, ownerReferences: ownedBy(memory.get(pipelines, 'test')!) },
  });
  expect(ownersOf(memory)).toMatchObject([{ uid }]);
  await eventually(() => expect(ownersOf(memory)).toEqual([]));
  expect(saidOf(memory)).toBe(true);
});

test('nobody reads that a claim stays which cannot be made to, and an event says why', async () => {
  await using memory = await MemoryApi.start();
  const goes = {
    ...pipeline,
    spec: { ...pipeline.spec, storage: { ...pipeline.spec.storage, retention: 'Delete' as const } },
  };
  memory.put(pipelines, goes);
  await using _ = await runController(memory);
  await eventually(() => expect(ownersOf(memory)).toHaveLength(1));
  const events: unknown[] = [];
  memory.before = ({ method, path, body }, response) => {
    if (path.endsWith('/events')) events.push(body);
    if (method === 'PATCH' && path.includes(volumeClaims.plural)) answerStatus(response, 403, 'Forbidden');
  };
  memory.put(pipelines, { ...memory.get(pipelines, 'test')!, spec: pipeline.spec });
  await eventually(() =>
    expect(events).toContainEqual(
      expect.objectContaining({
        reason: 'VolumeNotRetained',
        message: expect.stringContaining('Forbidden!'),
      }),
    ),
  );
  await eventually(() => expect(memory.get(pipelines, 'test')?.status?.observedGeneration).toBe(2));
  expect(saidOf(memory)).toBeUndefined();
});
