import { expect, test } from '@jest/globals';
import { createNamed, createOwned, RefusedError } from '../../../../operator/kube/client/create-owned.ts';
import { configMaps } from '../../../../operator/kube/client/resources.ts';
import { answerStatus, FakeApi } from '../../../support/fake-api.ts';
import { object } from './answers.ts';

/** What a create of either kind comes to where the API server answers with this. */
async function created(status: number, reason: string): Promise<unknown[]> {
  await using api = await FakeApi.start((_, response) => answerStatus(response, status, reason));
  const client = api.client({ retryMs: 1 });
  const settled = await Promise.allSettled([
    createOwned(client, configMaps, object),
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
