import { setTimeout as sleep } from 'node:timers/promises';

/** Less than the time of a test, so that what failed is said; far more than anything takes on a busy machine. */
export const patienceMs = 240_000;

/** Passes as soon as the check does; throws what it threw last where it never does. */
export async function eventually<T>(check: () => Promise<T> | T): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(10);
    }
  }
}
