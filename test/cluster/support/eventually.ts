import { setTimeout as sleep } from 'node:timers/promises';

/** Looks again every 100 ms until there is something; throws after two minutes, far more than anything takes on a busy machine, with what was waited for. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  timeoutMs = 120_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until it is there
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await sleep(100); // oxlint-disable-line no-await-in-loop
  }
}
