import { afterEach, expect, test } from '@jest/globals';
import { amountOf } from '../../../../operator/api/resources/quantity.ts';
import { VolumeClaims } from '../../../../operator/kube/apply/volume-claims.ts';
import { FakeApi } from '../../../support/fake-api.ts';
import { pipelineOf, fourStages } from '../../../support/pipelines.ts';

const path = '/api/v1/namespaces/team/persistentvolumeclaims/test-volume';
const own: object = { 'r1.dev/pipeline': 'test' };

let api: FakeApi | undefined;
afterEach(() => api?.close());

/** What is asked of a claim of 10Gi when a pipeline asks for another size. */
async function growing(size: string, { claimLabels = own, refusal = '' } = {}) {
  const claim = {
    metadata: { name: 'test-volume', namespace: 'team', uid: 'c', labels: claimLabels },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } } },
  };
  api = await FakeApi.start(({ method }, response) => {
    const refused = method === 'PATCH' && refusal !== '';
    const body = refused
      ? { kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403, message: refusal }
      : claim;
    response.writeHead(refused ? 403 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  const pipeline = pipelineOf(fourStages);
  const { metadata, spec } = pipeline;
  await new VolumeClaims(api.client()).grow({
    ...pipeline,
    metadata: { ...metadata, namespace: 'team' },
    spec: { ...spec, storage: { ...spec.storage, size } },
  });
  return api.requests.filter(({ method }) => method === 'PATCH').map((each) => [each.path, each.body]);
}

test('a claim grows with spec.storage.size', async () => {
  const spec = { resources: { requests: { storage: '20Gi' } } };
  expect(await growing('20Gi')).toEqual([[path, { metadata: { uid: 'c' }, spec }]]);
});

test.each(['10Gi', '10240Mi', '5Gi'])('a claim of 10Gi is not changed to %s', async (size) => {
  expect(await growing(size)).toEqual([]);
});

test('a claim of somebody else is left alone', async () => {
  expect(await growing('20Gi', { claimLabels: {} })).toEqual([]);
});

test('a storage class that cannot expand is told in words', async () => {
  const refusal = 'only dynamically provisioned pvc can be resized';
  await expect(growing('20Gi', { refusal })).rejects.toThrow(
    /^claim "test-volume" of 10Gi cannot grow to the 20Gi of spec.storage.size: .*only dynamically.*; restore the size, or/,
  );
});

test.each([
  ['1Ki', 1024],
  ['500m', 0.5],
  [3, 3],
  ['1.5G', 1.5e9],
  ['2e3', 2000],
])('%s is %d', (quantity, amount) => {
  expect(amountOf(quantity)).toBeCloseTo(amount, 9);
});
