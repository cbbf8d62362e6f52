import { expect, test } from '@jest/globals';
import { VolumeClaims } from '../../../../operator/kube/apply/volume-claims.ts';
import { volumeClaims } from '../../../../operator/kube/client/resources.ts';
import { pipelines } from '../../../../operator/kube/objects/r1-kinds.ts';
import { MemoryApi } from '../../../support/memory-api.ts';
import { answerJson, FakeApi } from '../../../support/fake-api.ts';
import { fourStages, pipelineOf } from '../../../support/pipelines.ts';
import { stageOf } from '../../../support/stage-objects.ts';

const settings =
  'model: {init: {}}\ndatasets: [{name: sums, generator: {task: addition}}]\npretrain: {data: [sums], steps: 3}';
const stage = stageOf(settings, { uid: 'mine' });
const belongs = (kind: string) =>
  `claim "sums-volume" belongs to ${kind} another and is deleted with it: name it in spec.storage.claimName if it is to be used all the same`;

test.each([
  { name: 'nobody', owner: undefined, refusal: undefined },
  { name: 'the stage itself', owner: { kind: 'R1Stage', uid: 'mine' }, refusal: undefined },
  { name: 'another stage', owner: { kind: 'R1Stage', uid: 'other' }, refusal: belongs('R1Stage') },
  { name: 'a pipeline', owner: { kind: 'R1Pipeline', uid: 'other' }, refusal: belongs('R1Pipeline') },
])('a stage that was applied alone and finds a claim of $name', async ({ owner, refusal }) => {
  const metadata = {
    namespace: 'team',
    name: 'sums-volume',
    uid: 'claim',
    labels: { 'r1.dev/pipeline': 'sums' },
    ...(owner && { ownerReferences: [{ apiVersion: 'r1.dev/v1alpha1', name: 'another', ...owner }] }),
  };
  await using api = await FakeApi.start(({ method }, response) =>
    method === 'POST'
      ? answerJson(response, { kind: 'Status', reason: 'AlreadyExists', code: 409 }, 409)
      : answerJson(response, { metadata, spec: {} }),
  );
  const found = new VolumeClaims(api.client()).ensure(stage, undefined, []);
  if (refusal === undefined) expect(await found).toBe('sums-volume');
  else await expect(found).rejects.toThrow(refusal);
});

const named = { name: 'sums', namespace: 'team', creationTimestamp: '2026-01-01T00:00:00Z' };
const pipeline = { ...pipelineOf(fourStages), metadata: { ...named, uid: 'mine', resourceVersion: '5' } };
test('a claim that goes with a former pipeline makes room, though nobody collects it', async () => {
  await using memory = await MemoryApi.start();
  const { uid } = memory.put(pipelines, pipeline).metadata;
  const former = { apiVersion: 'r1.dev/v1alpha1', kind: 'R1Pipeline', name: 'sums', uid: 'former' };
  memory.put(volumeClaims, {
    metadata: { namespace: 'team', name: 'sums-volume', ownerReferences: [former] },
    spec: {},
  });
  const claims = new VolumeClaims(memory.api.client());
  const again = async () => claims.ensure(stage, memory.get(pipelines, 'sums'), []);
  await expect(again()).rejects.toThrow(
    'PersistentVolumeClaim sums-volume of a former R1Pipeline sums is still being deleted',
  );
  expect(await again()).toBe('sums-volume');
  expect(memory.get(volumeClaims, 'sums-volume')?.metadata.ownerReferences?.[0]?.uid).toBe(uid);
});

const other = { apiVersion: 'v1', kind: 'Backup', name: 'b', uid: 'other' };
const owner = { apiVersion: 'r1.dev/v1alpha1', kind: 'R1Pipeline', name: 'sums', uid: 'mine', controller: true };

test.each([
  { name: 'stays without its pipeline', madeBy: 'mine', has: [other, owner], retain: true, after: [other] },
  { name: 'stays, and has done so', madeBy: 'mine', has: [], retain: true },
  { name: 'goes with its pipeline again', madeBy: 'mine', has: [other], retain: false, after: [other, owner] },
  { name: 'of a former pipeline is left as it is', madeBy: 'former', has: [], retain: false },
  {
    name: 'was to stay does so when its pipeline is gone',
    madeBy: 'mine',
    has: [other],
    retain: false,
    now: undefined,
  },
  {
    name: 'was to stay does so when another has its name',
    madeBy: 'mine',
    has: [other],
    retain: false,
    now: { uid: 'new', resourceVersion: '5' },
  },
  {
    name: 'was to stay does so when something else is said of its pipeline by now',
    madeBy: 'mine',
    has: [other],
    retain: false,
    now: { uid: 'mine', resourceVersion: '6' },
  },
])('a claim that $name', async ({ madeBy, has, retain, after, ...more }) => {
  const annotations = { 'r1.dev/made-by': madeBy };
  const metadata = { namespace: 'team', name: 'sums-volume', resourceVersion: '7', annotations, ownerReferences: has };
  const { now } = { now: pipeline.metadata, ...more };
  await using api = await FakeApi.start(({ path }, response) => {
    if (!path.includes('r1pipelines')) answerJson(response, { metadata, spec: {} });
    else if (now !== undefined) answerJson(response, { metadata: { ...named, ...now } });
    else answerJson(response, { kind: 'Status', reason: 'NotFound', code: 404 }, 404);
  });
  const claim = await new VolumeClaims(api.client()).retain(pipeline, retain);
  expect(claim?.metadata.name).toBe(madeBy === 'mine' ? 'sums-volume' : undefined);
  const patches = api.requests.filter(({ method }) => method === 'PATCH').map(({ body }) => body);
  expect(patches).toEqual(after ? [{ metadata: { resourceVersion: '7', ownerReferences: after } }] : []);
});
