import { describe, expect, test } from '@jest/globals';
import { ApiError, ConnectionError } from '../../../../operator/kube/client/api-error.ts';
import type { KubeClient } from '../../../../operator/kube/client/client.ts';
import { configMaps } from '../../../../operator/kube/client/resources.ts';
import { answerStatus, FakeApi, type Answer } from '../../../support/fake-api.ts';
import { inOrder, object, ok } from './answers.ts';

const busy: Answer = (_, response) => answerStatus(response, 429, 'TooManyRequests', { 'retry-after': '1' });
const broken: Answer = (_, response) => answerStatus(response, 500, 'InternalError');
const cut: Answer = (_, response) => void response.destroy();

describe('repetition', () => {
  test.each([
    { name: 'a read after a 500', answers: [broken, broken, ok()], requests: 3 },
    { name: 'a read after a lost connection', answers: [cut, ok()], requests: 2 },
  ])('$name', async ({ answers, requests }) => {
    await using api = await FakeApi.start(inOrder(...answers));
    await expect(api.client().get(configMaps, object.metadata)).resolves.toEqual(object);
    expect(api.requests).toHaveLength(requests);
  });

  test('ends: a server that stays broken is an error', async () => {
    await using api = await FakeApi.start(broken);
    await expect(api.client().get(configMaps, object.metadata)).rejects.toMatchObject({ status: 500 });
    expect(api.requests).toHaveLength(5);
  });

  test.each([
    { name: 'a read', act: (client: KubeClient) => client.get(configMaps, object.metadata) },
    { name: 'a write, of which nothing was done', act: (client: KubeClient) => client.create(configMaps, object) },
  ])('$name waits as long as a busy server asks', async ({ act }) => {
    await using api = await FakeApi.start(inOrder(busy, ok()));
    const startedAt = performance.now();
    await act(api.client());
    expect(performance.now() - startedAt).toBeGreaterThan(990);
    expect(api.requests).toHaveLength(2);
  });

  test.each([
    { name: 'a 500', answer: broken, error: ApiError },
    { name: 'a lost connection', answer: cut, error: ConnectionError },
  ])('not of a write after $name: it may have been done', async ({ answer, error }) => {
    await using api = await FakeApi.start(answer);
    await expect(api.client().create(configMaps, object)).rejects.toThrow(error);
    expect(api.requests).toHaveLength(1);
  });

  test('not of a read that was refused for what it is', async () => {
    await using api = await FakeApi.start((_, response) => answerStatus(response, 403, 'Forbidden'));
    await expect(api.client().get(configMaps, object.metadata)).rejects.toMatchObject({
      status: 403,
      reason: 'Forbidden',
      message: 'Forbidden!',
    });
    expect(api.requests).toHaveLength(1);
  });
});

test('a write goes out only as long as it may, also when it is repeated', async () => {
  let allowed = true;
  await using api = await FakeApi.start((_, response) => {
    allowed = false;
    answerStatus(response, 429, 'TooManyRequests');
  });
  const client = api.client({ mayWrite: () => allowed });
  await expect(client.create(configMaps, object)).rejects.toThrow('not allowed to write any more');
  expect(api.requests).toHaveLength(1);
  await expect(client.get(configMaps, object.metadata)).rejects.toThrow('TooManyRequests');
});

test('a write that waited for its connection goes out only if it still may', async () => {
  let allowed = true;
  await using api = await FakeApi.start(ok());
  const created = api.client({ mayWrite: () => allowed }).create(configMaps, object);
  const refused = expect(created).rejects.toThrow('not allowed to write any more');
  // Everything is ready then but for the connection, which takes a turn of the event loop.
  await new Promise<void>((resolve) => {
    queueMicrotask(() => process.nextTick(resolve));
  });
  allowed = false;
  await refused;
  expect(api.requests).toEqual([]);
});
