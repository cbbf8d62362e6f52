import { createReadStream } from 'node:fs';
import {
  inFileOrder,
  type ManifestProblem,
  type ValidatedManifest,
  validateManifest,
} from '../operator/api/manifest.ts';
import { missingFiles } from '../operator/local/check-files.ts';
import { UserError } from '../trainer/contract/errors.ts';

/** An API server takes no larger request either, and YAML needs a hundred times as much memory as text. */
const largestBytes = 3 << 20;

/**
 * Everything that is wrong with a manifest, the files that it names included.
 *
 * @param file `-` is stdin
 * @throws UserError when it cannot be read
 */
export async function readManifestFile(file: string): Promise<ValidatedManifest> {
  const manifest = validateManifest(await textOf(file), file);
  const problems = [...manifest.problems];
  for (const pipeline of manifest.pipelines) {
    for (const problem of await missingFiles(pipeline, file)) problems.push(manifest.place(pipeline, problem));
  }
  return { ...manifest, problems: problems.toSorted(inFileOrder) };
}

async function textOf(file: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of file === '-' ? process.stdin : createReadStream(file)) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > largestBytes) break;
    }
  } catch (cause) {
    throw new UserError(`${file}: cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (bytes > largestBytes) throw new UserError(`${file}: found more than ${largestBytes} bytes, expected a manifest`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new UserError(`${file}: found bytes that are no UTF-8 text, expected a manifest`, { cause });
  }
}

/** `FILE:LINE:COLUMN: PATH: what is wrong`, which editors can jump to. */
export function describe({ file, line, column, message }: ManifestProblem): string {
  const position = line === undefined ? '' : `:${line}:${column ?? 1}`;
  return `${file}${position}: ${message}`;
}
