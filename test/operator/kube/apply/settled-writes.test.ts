import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { SettledWrites } from '../../../../operator/kube/apply/settled-writes.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('a change is written after it has been there for its time, counted from when it was first noticed', () => {
  const writes = new SettledWrites(5);
  expect(writes.delay('a', 'later')).toBe(5000);
  jest.advanceTimersByTime(300);
  expect(writes.delay('a', 'soon')).toBe(200);
  expect(writes.delay('b', 'soon')).toBe(500);
  jest.advanceTimersByTime(200);
  expect(writes.delay('a', 'soon')).toBe(0);
});

test('what is urgent is written at once, and takes with it what has waited', () => {
  const writes = new SettledWrites(5);
  expect(writes.delay('a', 'soon')).toBe(500);
  expect(writes.delay('a', 'now')).toBe(0);
  writes.settled('a');
  expect(writes.delay('a', 'soon')).toBe(500);
});

test('what only progresses waits until the rest is told, and keeps none of it waiting', () => {
  const writes = new SettledWrites(5);
  for (let index = 0; index < 100; index++) writes.delay(`running-${index}`, 'later');
  expect(writes.delay('moved', 'soon')).toBe(500);
  expect(writes.delay('running-0', 'later')).toBe(20_000);
  expect(writes.delay('running-0', 'soon')).toBe(500);
  expect(writes.delay('running-0', 'later')).toBe(500);
});

test('five a second are the most that is written without need, so that many wait for longer', () => {
  const writes = new SettledWrites(5);
  const waits = Array.from({ length: 300 }, (_, index) => writes.delay(`stage-${index}`, 'soon'));
  expect([waits[0], waits[10], waits[299]]).toEqual([500, 2000, 59_800]);
  expect(writes.delay('stage-300', 'now')).toBe(0);
});

test('changes that were undone keep nobody waiting', () => {
  const writes = new SettledWrites(5);
  for (let index = 0; index < 20; index++) writes.delay(`stage-${index}`, 'soon');
  jest.advanceTimersByTime(60_000);
  writes.delay('other', 'soon');
  expect(writes.delay('another', 'soon')).toBe(500);
});
