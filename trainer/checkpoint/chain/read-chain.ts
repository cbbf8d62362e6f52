import { createHash } from 'node:crypto';
import { type Dirent, type Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { checkpointManifestName, resultName, sha256 } from '../../contract/files/checkpoint.ts';
import type { CheckpointManifest } from '../../contract/files/checkpoint.ts';
import { UserError } from '../../contract/process/errors.ts';
import { foundInstead } from '../../contract/process/found-instead.ts';
import { parseJsonObject, readInputText } from '../../contract/files/input-file.ts';
import { type Provenance, provenance, provenanceName } from '../../contract/files/provenance.ts';
import { faultsOfFiles, readManifest } from '../manifest.ts';
import type { Chain, Claim, Link } from './chain.ts';

/** Directories within each other; a stage of a cluster's volume has six. */
const mostDepth = 16;
const mostEntries = 1_000_000;
const mostProvenanceBytes = 2 ** 26;
const mostClaimBytes = 2 ** 24;

/**
 * Reads every checkpoint below a directory, and compares each of its files with its manifest. Symbolic links are not followed,
 * so that nothing outside the directory is read.
 *
 * @param onFile called before a checkpoint is read, with its path
 * @throws UserError if there is no such directory, or nothing in it that belongs to a chain
 */
export async function readChain(root: string, onFile: (path: string) => void = () => undefined): Promise<Chain> {
  const { checkpoints, claims } = await findIn(root);
  if (checkpoints.length === 0) {
    throw new UserError(`${root}: found no ${checkpointManifestName} below it; expected the directory of a pipeline`);
  }
  const links: Link[] = [];
  const faults: string[] = [];
  for (const path of checkpoints) {
    onFile(path);
    const read = await readLink(path);
    if (read.link) links.push(read.link);
    faults.push(...read.faults);
  }
  const claimed = await Promise.all(claims.map(readClaim));
  return {
    links,
    claims: claimed.flatMap(({ claim }) => claim ?? []),
    faults: [...faults, ...claimed.flatMap(({ fault }) => fault ?? [])],
  };
}

/** Paths of checkpoints, and of files that name one, sorted. */
async function findIn(root: string): Promise<{ checkpoints: string[]; claims: string[] }> {
  const checkpoints: string[] = [];
  const claims: string[] = [];
  let entries = 0;
  const visit = async (directory: string, depth: number): Promise<void> => {
    const inside = await entriesOf(directory);
    entries += inside.length;
    if (entries > mostEntries || depth > mostDepth) {
      throw new UserError(`${directory}: found more than ${mostEntries} files or ${mostDepth} directories deep`);
    }
    if (inside.some((entry) => entry.name === checkpointManifestName)) {
      checkpoints.push(directory);
      return;
    }
    for (const entry of inside.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(directory, entry.name);
      if (entry.isDirectory() && !entry.name.endsWith('.partial')) await visit(path, depth + 1);
      else if (entry.isFile() && isClaim(path)) claims.push(path);
    }
  };
  await visit(root, 0);
  return { checkpoints, claims };
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (cause) {
    throw new UserError(`${directory}: found ${foundInstead(cause)}, expected a directory`, { cause });
  }
}

function isClaim(path: string): boolean {
  return basename(path) === resultName || /^(?:.*\/)?stages\/[^/]+\.json$/.test(path);
}

async function readLink(directory: string): Promise<{ link?: Link; faults: string[] }> {
  const file = await lstat(join(directory, checkpointManifestName)).catch((): Stats | undefined => undefined);
  if (!file?.isFile()) return { faults: [`${join(directory, checkpointManifestName)}: is no regular file`] };
  try {
    const { manifest, digest } = await readManifest(directory);
    const faults = await Array.fromAsync(faultsOfFiles(directory, manifest));
    const decided = await readProvenance(directory, manifest);
    const isKnown = typeof decided !== 'string';
    const link = { path: directory, digest, manifest, provenance: isKnown ? decided : undefined };
    return { link, faults: isKnown ? faults : [...faults, decided] };
  } catch (error) {
    if (error instanceof UserError) return { faults: [oneLine(error.message)] };
    throw error;
  }
}

/** What decided a checkpoint, or what is wrong with the file that says so. */
async function readProvenance(directory: string, { settingsDigest }: CheckpointManifest): Promise<Provenance | string> {
  const path = join(directory, provenanceName);
  const expected = settingsDigest.slice(settingsDigest.indexOf(':') + 1);
  const file = await lstat(path).catch((): Stats | undefined => undefined);
  if (!file?.isFile()) return `${path}: found no file, expected the settings with SHA-256 ${expected}`;
  const text = (await readInputText(path, mostProvenanceBytes)) ?? '';
  const found = createHash('sha256').update(text).digest('hex');
  if (found !== expected) return `${path}: has SHA-256 ${found}; settingsDigest of its manifest says ${expected}`;
  const parsed = provenance.safeParse(parseJsonObject(text, path));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `${path}: ${issue?.path.join('.')}: ${oneLine(issue?.message ?? '')}; expected the deciding settings of a stage`;
}

const checkpoint = z.looseObject({ path: z.string(), digest: sha256 }).optional();
/** Of `result.json`, and of an R1Stage with its status. */
const claim = z.looseObject({ checkpoint, status: z.looseObject({ checkpoint }).optional() });

async function readClaim(path: string): Promise<{ claim?: Claim; fault?: string }> {
  try {
    const parsed = claim.safeParse(parseJsonObject((await readInputText(path, mostClaimBytes)) ?? '', path));
    if (!parsed.success)
      return { fault: `${path}: found no checkpoint with a digest in it, expected a file that r1 wrote` };
    const named = parsed.data.checkpoint ?? parsed.data.status?.checkpoint;
    return named === undefined ? {} : { claim: { file: path, checkpoint: basename(named.path), digest: named.digest } };
  } catch (error) {
    if (error instanceof UserError) return { fault: oneLine(error.message) };
    throw error;
  }
}

/** The first line, of a length that a terminal can take. */
function oneLine(message: string): string {
  const [first = ''] = message.split('\n', 1);
  return first.length > 500 ? `${first.slice(0, 500)}…` : first;
}
