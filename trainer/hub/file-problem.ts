import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { ListFileEntry } from '@huggingface/hub';

/**
 * Why a file is not what the Hub lists; nothing if it is. Large files are known by their SHA-256, others by the id of
 * their blob in git: SHA-1 of `blob <size>\0` and the content.
 */
export async function fileProblem(
  path: string,
  { size, oid, lfs }: Pick<ListFileEntry, 'size' | 'oid' | 'lfs'>,
): Promise<string | undefined> {
  const { size: found } = await stat(path);
  const bytes = lfs?.size ?? size;
  if (found !== bytes) return `found ${found} bytes, expected ${bytes}`;
  const expected = lfs?.oid ?? oid;
  if (expected === undefined) return undefined;
  const hash = lfs ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);
  await pipeline(createReadStream(path), hash);
  const digest = hash.digest('hex');
  return digest === expected ? undefined : `found digest ${digest}, expected ${expected}`;
}
