import { jest } from '@jest/globals';
import { settled } from '../../support/manual-clock.ts';

/** Runs a course in a time that stands still until it is told how much has passed. */
export async function inOwnTime<T>(run: () => Promise<T>): Promise<T> {
  jest.useFakeTimers({
    now: Date.parse('2026-01-01T12:00:00Z'),
    doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'],
  });
  try {
    return await run();
  } finally {
    jest.clearAllTimers();
    jest.useRealTimers();
  }
}

/** Calls what falls due on the way, in order, and lets what follows from each call happen. */
export async function pass(ms: number): Promise<void> {
  let over = false;
  setTimeout(() => {
    over = true;
  }, ms);
  for (;;) {
    await settled();
    if (over) return;
    jest.advanceTimersToNextTimer();
  }
}
