import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tellsApart } from '../contract/settings/digest-version.ts';
import { checkpointManifestName } from '../contract/files/checkpoint.ts';
import type { CheckpointManifest } from '../contract/files/checkpoint.ts';
import { soleWriter, type Writer } from '../contract/files/directory-lock.ts';
import { namingFullDisk } from '../contract/process/full-disk.ts';
import { describeFiles, readManifest, verifyCheckpoint } from './manifest.ts';
import { namesIn } from './names-in.ts';
import { partialOf } from './partials.ts';

export { verifyCheckpoint };

/** What is published: the manifest's own fields, and how the files come about. */
export interface CheckpointToPublish {
  /** `step-000200`, or `data` for rows. */
  readonly name: string;
  readonly step: number;
  readonly final: boolean;
  readonly length?: number | undefined;
  /** Writes the files into an empty directory. */
  readonly write: (directory: string) => Promise<void>;
  readonly parent?: CheckpointManifest['parent'];
  readonly settingsDigest: string;
  readonly engine: Readonly<Record<string, string>>;
}

export interface PublishedCheckpoint {
  readonly path: string;
  readonly step: number;
  /** SHA-256 of its `checkpoint.json`. */
  readonly digest: string;
}

/**
 * Writes a checkpoint so that a crash at any moment leaves either the whole of it or only `*.partial` directories,
 * which nobody reads and the next attempt removes:
 *
 *   name.<process>.partial/ written → files and directories synced → checkpoint.json → renamed to name/ → outDir synced
 *
 * The manifest holds no time and no machine, so equal files have equal digests.
 *
 * @param keepLast unfinished checkpoints of the same settings kept besides this one; the older ones are removed
 * @throws DiskFullError after removing what was half-written; AnotherWriterError, and publishes nothing, if `writer` has lost `outDir`
 */
export async function publishCheckpoint(
  outDir: string,
  checkpoint: CheckpointToPublish,
  keepLast?: number,
  writer: Writer = soleWriter,
): Promise<PublishedCheckpoint> {
  const { name, step, settingsDigest } = checkpoint;
  const path = join(outDir, name);
  const partial = partialOf(path);
  await writer.check(); // it would be a pity about the time
  try {
    const digest = await namingFullDisk(partial, undefined, async () => {
      await mkdir(partial); // not its parent: a newer attempt may have closed it
      await checkpoint.write(partial);
      const written = await writeManifest(partial, checkpoint);
      await syncTree(partial);
      await writer.check();
      await replace(path, partial, written);
      await sync(outDir);
      return written;
    });
    if (keepLast !== undefined) await prune(outDir, step, settingsDigest, keepLast);
    return { path, step, digest };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** Describes the files of a directory in its `checkpoint.json`. Returns the digest. */
async function writeManifest(directory: string, checkpoint: CheckpointToPublish): Promise<string> {
  const { step, final, length, parent, settingsDigest, engine } = checkpoint;
  const manifest: CheckpointManifest = {
    version: 1,
    step,
    final,
    ...(length !== undefined && { length }),
    files: await describeFiles(directory),
    ...(parent && { parent }),
    settingsDigest,
    engine: { ...engine },
  };
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  await writeFile(join(directory, checkpointManifestName), text);
  return createHash('sha256').update(text).digest('hex');
}

export interface SkippedCheckpoint {
  readonly path: string;
  readonly reason: string;
}

/** A checkpoint whose files all have their digests. */
export interface VerifiedCheckpoint extends PublishedCheckpoint {
  readonly manifest: CheckpointManifest;
}

/**
 * The newest checkpoint of a stage that was made with these settings and whose files all have their digests. Walks
 * back over the others and says why each was skipped.
 *
 * @param whyNot a further reason to skip one
 */
export async function newestCheckpoint(
  outDir: string,
  settingsDigest: string,
  whyNot: (checkpoint: VerifiedCheckpoint) => Promise<string | undefined> = async () => undefined,
): Promise<{ newest?: VerifiedCheckpoint; skipped: SkippedCheckpoint[] }> {
  const skipped: SkippedCheckpoint[] = [];
  for (const { path, step } of await stepDirectories(outDir)) {
    try {
      const { manifest, digest } = await verifyCheckpoint(path);
      const found = { path, step, digest, manifest };
      const reason = tellsApart(manifest.settingsDigest, settingsDigest)
        ? 'it was made with other settings'
        : await whyNot(found);
      if (reason === undefined) return { newest: found, skipped };
      skipped.push({ path, reason });
    } catch (error) {
      skipped.push({ path, reason: (error as Error).message });
    }
  }
  return { skipped };
}

/** Checkpoints of a stage, those that a rollback leads to, or what goes on from finished ones, newest first. */
async function stepDirectories(
  outDir: string,
  kind: 'step' | 'good' | 'resume' = 'step',
): Promise<{ path: string; step: number }[]> {
  return (await namesIn(outDir))
    .filter((name) => new RegExp(`^${kind}-\\d{6,}$`).test(name))
    .map((name) => ({ path: join(outDir, name), step: Number(name.slice(kind.length + 1)) }))
    .toSorted((a, b) => b.step - a.step);
}

/**
 * Gives the written directory its name. The same checkpoint, published again by a stage that was killed before it could
 * say so, stays as it is. Another one of that name (it did not verify) makes room first; between the two renames there
 * is none.
 */
async function replace(path: string, partial: string, digest: string): Promise<void> {
  const there = await verifyCheckpoint(path, digest).then(
    () => true,
    () => false,
  );
  if (there) return rm(partial, { recursive: true });
  const old = partialOf(`${path}.old`);
  try {
    await rename(path, old);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await rename(partial, path);
  await rm(old, { recursive: true, force: true });
}

/**
 * Removes unfinished checkpoints of these settings that are older than the newest `keepLast` before `step`, good ones that are older
 * than as many, and what going on from a shorter run needed.
 */
async function prune(outDir: string, step: number, settingsDigest: string, keepLast: number): Promise<void> {
  const older: string[] = [];
  for (const directory of await stepDirectories(outDir)) {
    if (directory.step >= step) continue;
    const manifest = await readManifest(directory.path).then(
      (read) => read.manifest,
      () => undefined, // not ours to judge: it is left for a person to look at
    );
    if (manifest?.final === false && !tellsApart(manifest.settingsDigest, settingsDigest)) older.push(directory.path);
  }
  const outgrown = (await stepDirectories(outDir, 'resume')).filter((each) => each.step < step);
  const bettered = (await stepDirectories(outDir, 'good')).slice(1 + keepLast);
  for (const path of [...older.slice(keepLast), ...[...outgrown, ...bettered].map((each) => each.path)]) {
    // Renamed first: a crash in the middle of the removal must not leave half a checkpoint under its name.
    const partial = partialOf(path);
    await rename(path, partial);
    await rm(partial, { recursive: true, force: true });
  }
}

/** Brings every file and directory of a tree to the disk, children before their directory. */
async function syncTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    await (entry.isDirectory() ? syncTree(path) : sync(path));
  }
  await sync(directory);
}

async function sync(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
