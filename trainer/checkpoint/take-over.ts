import { access, open, readFile, rename, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { shortDigest, tellsApart } from '../contract/settings/digest-version.ts';
import { checkedRowsName } from '../contract/settings/checked-rows.ts';
import {
  controlsName,
  evaluationsName,
  judgeVerdictsName,
  metricsName,
  reviewDecisionsName,
  rolloutsName,
  samplesName,
  writerLockName,
} from '../contract/files/checkpoint.ts';
import { readManifest } from './manifest.ts';
import { namesIn } from './names-in.ts';
import { removeFromOthers, removePartials } from './partials.ts';
import { replaceFile } from './replace-file.ts';

/** Files that grow while an attempt runs, that a person leaves there, or that spare a check of all rows or a verdict. */
const kept = [metricsName, samplesName, reviewDecisionsName, checkedRowsName, judgeVerdictsName];

const published = /^((step|good|resume)-\d{6,}|data|chunks-[0-9a-f]{12}|evaluations|rollouts|controls)$/;

/** What its files belong to is told by themselves, or by the step up to which the stage goes on. */
const records: readonly string[] = [evaluationsName, rolloutsName, controlsName];

/**
 * Moves what earlier attempts have saved with these settings into the directory of this one, copies their logs, and
 * removes the rest. Afterwards `out` is as if one attempt had written everything.
 *
 *   attempt-1 → attempt-1.closed ─ step-000200, data, evaluations … → attempt-2 ─ metrics.jsonl, samples.jsonl copied ─ removed
 *
 * An earlier attempt may still run, on a machine that nobody can reach. Its directory is renamed first, so that nothing
 * it writes from then on gets a name that anybody reads; it ends at its next log line, as its lock is gone.
 *
 * A crash at any moment is made good by the next attempt, which looks at all earlier ones again. What was made with
 * other settings stays where it is.
 *
 * @param earlier directories of earlier attempts, newest last; those that are not there are fine
 */
export async function takeOver(out: string, earlier: readonly string[], settingsDigest: string): Promise<void> {
  const closed = (await Promise.all(earlier.map(close))).flat().toReversed();
  for (const directory of closed) await removeFromOthers(join(directory, writerLockName)); // its writer sees by that that it has lost it
  for (const directory of closed) await moveSaved(directory, out, settingsDigest);
  await removePartials(out); // of what was moved
  for (const name of kept) await copyNewest(name, closed, out);
  await using handle = await open(out, 'r');
  await handle.sync();
  for (const directory of closed) await removeRest(directory, settingsDigest);
}

/**
 * Removes the directories of runs of this stage, by their names. What else lies beside `out`, which is
 * `<stage>/<run>/attempt-<n>`, may be somebody's result: the trainer cannot know.
 */
export async function removeRuns(out: string, gone: readonly string[]): Promise<void> {
  const run = dirname(out);
  for (const name of gone) if (name !== basename(run)) await removeFromOthers(join(dirname(run), name));
}

/** @returns where the attempt's files are now */
async function close(directory: string): Promise<string[]> {
  const closed = `${directory}.closed`;
  try {
    await rename(directory, closed);
    return [closed];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [closed]; // never begun, or closed by an attempt in between
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return [closed, directory]; // begun again since it was closed
    throw error;
  }
}

async function moveSaved(from: string, out: string, settingsDigest: string): Promise<void> {
  for (const name of await namesIn(from)) {
    if (!(await isOurs(from, name, settingsDigest))) continue;
    try {
      await rename(join(from, name), join(out, name));
    } catch (error) {
      // A newer attempt had it, or it is just being pruned by the attempt that made it.
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      continue;
    }
  }
}

/** Complete, as its name says, and made with these settings. Whether its files have their digests is looked at when it is used. */
async function isOurs(directory: string, name: string, settingsDigest: string): Promise<boolean> {
  if (!published.test(name)) return false;
  if (records.includes(name)) return true;
  if (name.startsWith('chunks-')) return name === chunksDirectory(settingsDigest);
  return readManifest(join(directory, name)).then(
    ({ manifest }) => !tellsApart(manifest.settingsDigest, settingsDigest),
    () => false,
  );
}

/** Directory of the chunks of a sample stage with these settings. */
export function chunksDirectory(settingsDigest: string): string {
  return `chunks-${shortDigest(settingsDigest)}`;
}

async function copyNewest(name: string, directories: readonly string[], out: string): Promise<void> {
  const there = await access(join(out, name)).then(
    () => true,
    () => false,
  );
  if (there) return;
  for (const directory of directories) {
    const text = await readFile(join(directory, name), 'utf8').catch(ifMissing);
    if (text !== undefined) return replaceFile(join(out, name), text);
  }
}

/** Without its directory an earlier attempt that still runs fails at its next file; so a few attempts are worth it. */
async function removeRest(directory: string, settingsDigest: string): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    const names = await namesIn(directory);
    const ours = await Promise.all(names.map((name) => isOurs(directory, name, settingsDigest)));
    const rest = names.filter((name, at) => !published.test(name) || ours[at]);
    for (const name of rest) await removeFromOthers(join(directory, name));
    const empty = await rmdir(directory).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    );
    if (empty || rest.length < names.length) return; // or it keeps what has other settings
  }
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
