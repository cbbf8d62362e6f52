import { createLogUpdate } from 'log-update';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 2000;

/**
 * Shows resources until the process is ended: drawn in place on a terminal; elsewhere all of them once, and then those
 * that changed.
 *
 * @param draw a table; its first line is the head
 */
export async function watchTable<T extends { readonly metadata: object }>(
  stream: NodeJS.WriteStream,
  read: () => Promise<readonly T[]>,
  draw: (resources: readonly T[]) => string,
): Promise<never> {
  const drawInPlace = createLogUpdate(stream, { showCursor: true });
  let seen: ReadonlySet<string> | undefined;
  for (;;) {
    const resources = await read();
    const shown = new Set(resources.map((each) => JSON.stringify(each)));
    if (stream.isTTY) {
      drawInPlace(draw(resources));
    } else if (seen === undefined) {
      stream.write(`${draw(resources)}\n`);
    } else {
      const before = seen;
      const changed = resources.filter((each) => !before.has(JSON.stringify(each)));
      if (changed.length > 0) stream.write(`${draw(changed).split('\n').slice(1).join('\n')}\n`);
    }
    seen = shown;
    await sleep(pollMs);
  }
}
