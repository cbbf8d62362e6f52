import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { RefusedError } from '../../../../operator/kube/client/create-owned.ts';
import { Refusals } from '../../../../operator/kube/apply/refusals.ts';
import type { KubeObject, Stored } from '../../../../operator/kube/client/resources.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function version(generation: number, uid = 'a'): Stored<KubeObject> {
  const metadata = { name: 'sums', namespace: 'team', uid, generation, resourceVersion: '1', creationTimestamp: '' };
  return { metadata };
}

function waits(refusals: Refusals, object: Stored<KubeObject>): number | undefined {
  const { refusal } = refusals.get('team/sums', object);
  return refusal && refusal.until - Date.now();
}

test('the cluster is asked ever less often for the same', () => {
  const refusals = new Refusals();
  const found: (number | undefined)[] = [];
  for (let time = 0; time < 6; time++) {
    refusals.add('team/sums', version(1), new RefusedError('exceeded quota', 30_000));
    const waitMs = waits(refusals, version(1));
    found.push(waitMs);
    jest.advanceTimersByTime(waitMs ?? 0);
    expect(waits(refusals, version(1))).toBeUndefined();
  }
  expect(found).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
});

test('a changed spec, or another object of the name, may ask at once', () => {
  const refusals = new Refusals();
  refusals.add('team/sums', version(1), new RefusedError('no such field', 30_000));
  expect(waits(refusals, version(1))).toBe(30_000);
  expect(waits(refusals, version(2))).toBeUndefined();
  expect(waits(refusals, version(1, 'b'))).toBeUndefined();
  refusals.forget('team/sums');
  expect(waits(refusals, version(1))).toBeUndefined();
});
