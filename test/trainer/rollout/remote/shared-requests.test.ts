import { expect, test } from '@jest/globals';
import { finishClaim, takeClaim } from '../../../../trainer/rollout/claims.ts';
import type { Completion } from '../../../../trainer/rollout/requests.ts';
import { differs, RefusedDelivery, SharedRequests } from '../../../../trainer/rollout/remote/shared-requests.ts';
import { fakeCompletion, fakeRequests, limits } from './fake-engine.ts';

const requests = fakeRequests(8);

interface Worker {
  trusted: boolean;
  mismatched: boolean;
}
const newcomer = (): Worker => ({ trusted: false, mismatched: false });
const trusted = (): Worker => ({ trusted: true, mismatched: false });
const other = (): Worker => ({ trusted: false, mismatched: true });

const placed = (index: number) => ({ index, completion: fakeCompletion(requests[index]!) });

function share(): SharedRequests<Worker> {
  return new SharedRequests(requests, limits);
}

/** As a thread of the learner does one. */
function sampleHere(shared: SharedRequests<Worker>, index: number): Worker[] {
  takeClaim(shared.claims, index);
  return finishClaim(shared.claims, index) ? shared.completeHere(index, placed(index).completion) : [];
}

test('requests are lent from the end, each to one worker, and are complete in their order', () => {
  const shared = share();
  const [a, b] = [shared.lend(trusted(), 3, 0)!, shared.lend(trusted(), 3, 0)!];
  expect([a.indices, b.indices]).toEqual([
    [7, 6, 5],
    [4, 3, 2],
  ]);
  expect(shared.free).toEqual([0, 1]);
  shared.deliver(a, [7, 6, 5].map(placed));
  shared.deliver(b, [3].map(placed));
  for (const index of [0, 1]) sampleHere(shared, index);
  expect(shared.complete).toBe(false);
  shared.deliver(b, [2, 4].map(placed));
  expect(shared.complete).toBe(true);
  expect(shared.completions).toEqual(requests.map(fakeCompletion));
  expect(shared.lease(a.id)).toBeUndefined();
  expect(shared.lend(trusted(), 1, 0)).toBeUndefined();
});

test('what is reclaimed goes to whoever is first; the other one changes nothing', () => {
  const shared = share();
  const worker = trusted();
  const lease = shared.lend(worker, 8, 0)!;
  shared.reclaim();
  expect(shared.free).toHaveLength(8);
  for (const index of [0, 1, 2, 3]) sampleHere(shared, index);
  expect(
    shared.deliver(
      lease,
      requests.map((_, index) => placed(index)),
    ),
  ).toEqual([]);
  expect(shared.complete).toBe(true);
  expect(sampleHere(shared, 5)).toEqual([]);
  expect(shared.completions).toEqual(requests.map(fakeCompletion));
});

test('a worker that is silent or gone loses what it has not delivered', () => {
  const shared = share();
  const worker = trusted();
  const lease = shared.lend(worker, 4, 100)!;
  shared.deliver(lease, [placed(7)]);
  expect(shared.silent(99)).toEqual([]);
  expect(shared.silent(100)).toEqual([worker]);
  shared.drop(worker);
  expect(shared.free).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(shared.lease(lease.id)).toBeUndefined();
});

const seven = placed(7).completion;
test.each<{ name: string; index: number; completion: Partial<Completion>; says: string }>([
  { name: 'a request of another lease', index: 0, completion: {}, says: 'request 0 was not asked of it' },
  { name: 'a request that is none', index: 1e9, completion: {}, says: 'request 1000000000 was not asked of it' },
  { name: 'no token', index: 7, completion: { tokenIds: [], probs: new Float32Array() }, says: '0 tokens' },
  {
    name: 'too many tokens',
    index: 7,
    completion: { tokenIds: Array<number>(7).fill(1), probs: new Float32Array(7) },
    says: '7 tokens, expected 1 to 6',
  },
  { name: 'too few probabilities', index: 7, completion: { probs: new Float32Array(2) }, says: '2 probabilities of 6' },
  { name: 'an alien token', index: 7, completion: { tokenIds: [1, 2, 3, 4, 5, 100] }, says: 'the token 100' },
  { name: 'a negative token', index: 7, completion: { tokenIds: [1, 2, 3, 4, 5, -1] }, says: 'the token -1' },
  { name: 'NaN', index: 7, completion: { probs: seven.probs.with(3, NaN) }, says: 'the probability NaN' },
  {
    name: 'more than certainty',
    index: 7,
    completion: { probs: seven.probs.with(3, 1.5) },
    says: 'the probability 1.5',
  },
  { name: 'an end that is none', index: 7, completion: { finish: 'stop' }, says: 'finish "stop", a stop at -1' },
  {
    name: 'a stop token in the middle',
    index: 7,
    completion: { tokenIds: seven.tokenIds.with(2, 99) },
    says: 'a stop at 2',
  },
])('$name is refused, and nothing of the delivery counts', ({ index, completion, says }) => {
  const shared = share();
  const lease = shared.lend(trusted(), 2, 0)!;
  const delivery = [placed(6), { index, completion: { ...seven, ...completion } }];
  expect(() => shared.deliver(lease, delivery)).toThrow(RefusedDelivery);
  expect(() => shared.deliver(lease, delivery)).toThrow(says);
  expect(lease.open.size).toBe(2);
});

test('a worker is on trial until the learner has sampled one of its completions, too', () => {
  const shared = share();
  const worker = newcomer();
  const lease = shared.lend(worker, 6, 0)!;
  shared.deliver(lease, [placed(7), placed(4)]);
  expect(shared.free).toEqual([0, 1, 4]); // 4 is the longest of them
  expect(shared.lend(newcomer(), 8, 0)?.indices).toEqual([1, 0]); // and must not come from another worker
  shared.deliver(lease, [placed(6)]);
  expect(sampleHere(shared, 4)).toEqual([]);
  expect(worker.trusted).toBe(true);
  shared.deliver(lease, [placed(2), placed(3), placed(5)]);
  expect(lease.open.size).toBe(0);
});

test('one bit of difference drops a worker on trial, and all it delivered is done again', () => {
  const shared = share();
  const worker = newcomer();
  const lease = shared.lend(worker, 6, 0)!;
  const { completion } = placed(4);
  const off = { ...completion, probs: completion.probs.with(0, completion.probs[0]! * (1 + 2 ** -23)) };
  shared.deliver(lease, [{ index: 4, completion: off }, placed(7)]);
  expect(sampleHere(shared, 4)).toEqual([worker]);
  expect(worker.trusted).toBe(false);
  expect(shared.free).toEqual([0, 1, 2, 3, 5, 6, 7]);
  for (const index of requests.keys()) sampleHere(shared, index);
  expect(shared.completions).toEqual(requests.map(fakeCompletion));
});

test('a duplicate that differs is refused, whoever was first', () => {
  const shared = share();
  const lease = shared.lend(trusted(), 1, 0)!;
  shared.reclaim();
  sampleHere(shared, 7);
  const { completion } = placed(7);
  const off = { ...completion, tokenIds: completion.tokenIds.with(0, 3) };
  expect(() => shared.deliver(lease, [{ index: 7, completion: off }])).toThrow(new RefusedDelivery(differs));
});

test('what proves one worker may come from a trusted one', () => {
  const shared = share();
  const [slow, fast] = [newcomer(), trusted()];
  const first = shared.lend(slow, 1, 0)!;
  shared.reclaim();
  const second = shared.lend(fast, 1, 0)!;
  expect(second.indices).toEqual([7]);
  shared.deliver(first, [placed(7)]);
  expect(shared.complete).toBe(false);
  expect(shared.deliver(second, [placed(7)])).toEqual([]);
  expect(slow.trusted).toBe(true);
});

/** As another processor samples it. */
const otherwise = (index: number) => {
  const { completion } = placed(index);
  return { index, completion: { ...completion, probs: completion.probs.map((prob) => prob * 1.0001) } };
};

test('what a worker delivers that is known to differ counts without a trial', () => {
  const shared = share();
  const lease = shared.lend(other(), 3, 0)!;
  expect(shared.deliver(lease, [7, 6, 5].map(otherwise))).toEqual([]);
  for (const index of [0, 1, 2, 3, 4]) sampleHere(shared, index);
  expect(shared.complete).toBe(true);
  expect(shared.completions.slice(5)).toEqual([5, 6, 7].map((index) => otherwise(index).completion));
});

test('it proves nothing of others, and no other one is refused for its sake', () => {
  const shared = share();
  const [differing, honest] = [other(), newcomer()];
  const first = shared.lend(differing, 2, 0)!;
  shared.reclaim();
  const second = shared.lend(honest, 4, 0)!;
  expect(second.indices).toEqual([7, 6, 5, 4]);
  shared.deliver(first, [otherwise(6)]);
  expect(shared.deliver(second, [7, 6].map(placed))).toEqual([]); // 7 is to prove it
  expect(shared.deliver(first, [otherwise(7)])).toEqual([]);
  expect(sampleHere(shared, 7)).toEqual([]);
  expect(honest.trusted).toBe(true);
  expect(shared.completions[7]).toEqual(placed(7).completion);
  expect(shared.completions[6]).toEqual(otherwise(6).completion);
});
