import { expect, test } from '@jest/globals';
import {
  answer,
  decodeCompletion,
  decodeLease,
  encodeCompletion,
  encodeLease,
} from '../../../../trainer/rollout/remote/protocol.ts';
import { fakeCompletion, fakeRequests } from './fake-engine.ts';

const requests = fakeRequests(9);

test('requests arrive as they were, and prompts that several share are one array', () => {
  const sent = answer.parse(JSON.parse(JSON.stringify(encodeLease('a1', requests, [8, 6, 5]))));
  if (sent.kind !== 'lease') throw new Error('expected a lease');
  const received = decodeLease(sent);
  expect(received).toEqual({ indices: [8, 6, 5], requests: [requests[8], requests[6], requests[5]] });
  expect(received.requests[0]?.promptIds).toBe(received.requests[1]?.promptIds);
  expect(sent.prompts).toHaveLength(2);
});

test('stop texts arrive once, for all requests that have them', () => {
  const stopTexts = { texts: ['ab'], pieces: [[5, 'a'] as const, [6, 'b'] as const] };
  const stopping = requests.map((request, at) => (at === 0 ? request : { ...request, stopTexts }));
  const sent = answer.parse(JSON.parse(JSON.stringify(encodeLease('a1', stopping, [0, 1, 2]))));
  if (sent.kind !== 'lease') throw new Error('expected a lease');
  const received = decodeLease(sent);
  expect(received.requests).toEqual(stopping.slice(0, 3));
  expect(received.requests[1]?.stopTexts).toBe(received.requests[2]?.stopTexts);
});

test('completions arrive with every bit', () => {
  const completion = fakeCompletion(requests[3]!);
  const probs = completion.probs
    .with(0, 1e-45)
    .with(1, 0)
    .with(2, 1 - 2 ** -24);
  const placed = { index: 3, completion: { ...completion, probs } };
  expect(decodeCompletion(encodeCompletion(placed))).toEqual(placed);
});

test('numbers cut in the middle are refused', () => {
  expect(() => decodeCompletion({ index: 0, tokenIds: 'AAAA', probs: '', finish: 'stop' })).toThrow(RangeError);
});
