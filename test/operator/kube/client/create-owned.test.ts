import { expect, test } from '@jest/globals';
import { createNamed, createOwned, RefusedError } from '../../../../operator/kube/client/create-owned.ts';
import { configMaps, jobs } from '../../../../operator/kube/client/resources.ts';
import { stages } from '../../../../operator/kube/objects/r1-kinds.ts';
import { MemoryApi } from '../../../support/memory-api.ts';
import { answerStatus, FakeApi } from '../../../support/fake-api.ts';
import { object } from './answers.ts';

/** What a create of either kind comes to where the API server answers with this. */
async function created(status: number, reason: string): Promise<unknown[]> {
  await using api = await FakeApi.start((_, response) => answerStatus(response, status, reason));
  const client = api.client({ retryMs: 1 });
  const settled = await Promise.allSettled([
    createOwned(client, configMaps, object, jobs),
    createNamed(client, configMaps, object),
  ]);
  return settled.map((each) => (each.status === 'rejected' ? each.reason : each.value));
}

test.each([
  [400, 'BadRequest'], // a webhook that names no code
  [402, 'PaymentRequired'],
  [403, 'Forbidden'],
  [405, 'MethodNotAllowed'],
  [406, 'NotAcceptable'],
  [413, 'RequestEntityTooLarge'],
  [422, 'Invalid'],
  [451, ''],
])('%i is a refusal in the words of whoever refuses, to be asked again ever less often', async (status, reason) => {
  for (const error of await created(status, reason)) {
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ message: `${reason}!`, passes: false });
  }
});

test('500 is said too, but is nobody to wait for', async () => {
  for (const error of await created(500, 'InternalError')) {
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ message: 'InternalError!', passes: true });
  }
});

test.each([
  [401, 'Unauthorized'],
  [404, 'NotFound'],
  [410, 'Expired'],
  [503, 'ServiceUnavailable'],
])('%i says nothing about the object', async (status, reason) => {
  for (const error of await created(status, reason)) {
    expect(error).not.toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ status });
  }
});

test('404 of a whole kind is said, as a definition is missing that somebody has to apply', async () => {
  await using api = await FakeApi.start((_, response) => {
    response.writeHead(404).end('404 page not found\n');
  });
  const made = createOwned(
    api.client({ retryMs: 1 }),
    stages,
    { metadata: { name: 'x', namespace: 'team' } } as never,
    jobs,
  );
  await expect(made).rejects.toThrow(RefusedError);
  await expect(made).rejects.toMatchObject({
    message: 'the API server knows no R1Stage of r1.dev/v1alpha1: its definition is missing',
    passes: false,
  });
});

const ownedBy = (uid: string) => ({
  metadata: {
    name: 'x',
    namespace: 'team',
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid }],
  },
});

/** A Job was made anew under its name; one of the two still has a config map. */
async function createBesideThatOf(owner: 'former' | 'new', asksFor: 'former' | 'new') {
  const memory = await MemoryApi.start();
  memory.put(jobs, { metadata: { name: 'j', namespace: 'team', uid: 'new' } });
  memory.put(configMaps, ownedBy(owner));
  const again = async () => createOwned(memory.api.client(), configMaps, ownedBy(asksFor), jobs);
  return { memory, again, [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose]() };
}

test('what a former owner left makes room, though nobody collects it', async () => {
  await using world = await createBesideThatOf('former', 'new');
  await expect(world.again()).rejects.toMatchObject({ name: 'RefusedError', passes: true });
  expect((await world.again()).metadata.ownerReferences?.[0]?.uid).toBe('new');
});

test('what belongs to an owner that is not known here yet stays', async () => {
  await using world = await createBesideThatOf('new', 'former');
  await expect(world.again()).rejects.toMatchObject({ name: 'RefusedError', passes: true });
  expect(world.memory.get(configMaps, 'x')).toBeDefined();
});
