import { setTimeout as sleep } from 'node:timers/promises';

/** Passes as soon as the check does; throws what it threw last when the time is up. */
export async function eventually(check: () => Promise<void> | void, withinMs = 5000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(10);
    }
  }
}
