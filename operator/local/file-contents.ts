import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { rewardFiles, verifierFiles } from '../../trainer/contract/settings/reward-files.ts';
import { beginsAsParquet } from '../../trainer/contract/files/parquet-magic.ts';
import type { R1Pipeline } from '../api/resources/pipeline.ts';
import { type DatasetContent, fileContent, type FileContent, type FileContents } from '../api/resources/stage.ts';
import { writeJson } from './state-directory.ts';

/** Smaller files are read again by every run: it takes a moment, and no clock has to be trusted. */
const rememberedFromBytes = 64 << 20;

const remembered = z.object({
  bytes: z.number(),
  mtimeMs: z.number(),
  content: fileContent,
});
type Remembered = z.infer<typeof remembered>;

/**
 * What the files hold now that a pipeline names.
 *
 * @param cache file with the digests of large files, which are not read again while their size and time of change stay
 */
export async function fileContents({ spec }: R1Pipeline, manifestFile: string, cache: string): Promise<FileContents> {
  const folder = dirname(resolve(manifestFile));
  const known = await readCache(cache);
  const seen: Record<string, Remembered> = {};
  const read = async (path: string): Promise<FileContent> => {
    const file = resolve(folder, path);
    const { size: bytes, mtimeMs } = await stat(file);
    const old = known[file];
    const same = old !== undefined && old.bytes === bytes && old.mtimeMs === mtimeMs;
    const content = same ? old.content : await readContent(file);
    if (bytes >= rememberedFromBytes) seen[file] = { bytes, mtimeMs, content };
    return content;
  };
  const datasets: DatasetContent[] = [];
  for (const { name, file, heldOut } of spec.datasets) {
    if (file === undefined) continue;
    datasets.push({
      dataset: name,
      file: await read(file),
      ...(heldOut?.file !== undefined && { heldOut: await read(heldOut.file) }),
    });
  }
  const templates: Record<string, FileContent> = {};
  for (const { chat } of [spec.defaults, ...spec.stages]) {
    if (chat?.templateFile !== undefined) templates[chat.templateFile] ??= await read(chat.templateFile);
  }
  const rewards: Record<string, FileContent> = {};
  for (const file of [...spec.stages.flatMap(rewardFiles), ...verifierFiles(spec.datasets)]) {
    rewards[file] ??= await read(file);
  }
  if (Object.keys(seen).length > 0) await writeJson(cache, seen);
  return { datasets, templates, rewards };
}

async function readContent(file: string): Promise<FileContent> {
  const hash = createHash('sha256');
  let [lines, last] = [0, 10];
  let isBinary: boolean | undefined;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    isBinary ??= beginsAsParquet(chunk);
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
    last = chunk.at(-1) ?? last;
  }
  const sha256 = hash.digest('hex');
  return isBinary ? { sha256 } : { lines: last === 10 ? lines : lines + 1, sha256 };
}

/** One that is missing or damaged costs time and nothing else. */
async function readCache(path: string): Promise<Record<string, Remembered>> {
  try {
    return z.record(z.string(), remembered).parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return {};
  }
}
