import { expect, test } from '@jest/globals';
import { LeaderElection } from '../../../../operator/kube/client/leader-election.ts';
import { leases } from '../../../../operator/kube/client/resources.ts';
import { MemoryApi } from '../../../support/memory-api.ts';

const nothing = (): void => undefined;

function candidate({ api }: MemoryApi) {
  const lease = { namespace: 'team', name: 'r1-operator' };
  return new LeaderElection({ client: api.client(), lease, onLost: nothing, onError: nothing });
}

const holder = (memory: MemoryApi) => memory.get(leases, 'r1-operator')?.spec?.holderIdentity;

test('a lease that was being taken when the process was asked to end is left free', async () => {
  await using memory = await MemoryApi.start();
  const election = candidate(memory);
  const asked = Promise.withResolvers<void>();
  memory.before = ({ method }) => {
    if (method === 'POST') asked.resolve();
  };
  void election.lead();
  await asked.promise;
  await election.release();
  expect(memory.get(leases, 'r1-operator')).toBeDefined();
  expect(holder(memory)).toBe('');
  expect(election.leading).toBe(false);
});

test('also when the answer to its being taken was lost', async () => {
  await using memory = await MemoryApi.start();
  const election = candidate(memory);
  const asked = Promise.withResolvers<void>();
  memory.before = ({ method, body }, response) => {
    if (method !== 'POST') return;
    memory.put(leases, body as object);
    response.destroy();
    asked.resolve();
  };
  void election.lead();
  await asked.promise;
  await election.release();
  expect(holder(memory)).toBe('');
});

test('who was asked to end before it competed takes no lease', async () => {
  await using memory = await MemoryApi.start();
  const election = candidate(memory);
  await election.release();
  void election.lead();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(memory.api.requests).toEqual([]);
});

test('the lease of another is left to it', async () => {
  await using memory = await MemoryApi.start();
  const spec = { holderIdentity: 'another', leaseDurationSeconds: 15 };
  memory.put(leases, { metadata: { name: 'r1-operator', namespace: 'team' }, spec });
  const election = candidate(memory);
  void election.lead();
  await new Promise((resolve) => setTimeout(resolve, 200));
  await election.release();
  expect(holder(memory)).toBe('another');
});
