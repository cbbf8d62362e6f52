import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn } from './names-in.ts';

/** A process that has lost its directory, and was stopped before it could see that, must not publish what another one writes. */
const ownEnding = `.${randomUUID().slice(0, 8)}.partial`;

/** What becomes `path` by a rename once it is whole. */
export function partialOf(path: string): string {
  return `${path}${ownEnding}`;
}

/** Removes what other processes were writing in a directory, and one level below it: one that goes on fails at its rename. */
export function removePartials(directory: string): Promise<void> {
  return removeWhatEndsWith('.partial', directory);
}

/** As `removePartials`, of this process alone: what it made again in a directory that it has lost. */
export function removeOwnPartials(directory: string): Promise<void> {
  return removeWhatEndsWith(ownEnding, directory);
}

async function removeWhatEndsWith(ending: string, directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (path.endsWith(ending)) await removeFromOthers(path);
    else if (entry.isDirectory()) {
      for (const name of await namesIn(path)) if (name.endsWith(ending)) await removeFromOthers(join(path, name));
    }
  }
}

/** Whoever still writes there must not keep the stage from its work. */
export async function removeFromOthers(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    console.error(`${path}: not removed: ${(error as Error).message}`);
  }
}
