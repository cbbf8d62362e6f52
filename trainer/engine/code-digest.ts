import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

let known: string | undefined;

/**
 * SHA-256 of the trainer's own sources: of a line `<SHA-256>  <path>` for each of them, sorted by path, as
 * `find trainer -name '*.ts' | LC_ALL=C sort | xargs sha256sum | sha256sum` prints it in a clone.
 */
export function codeDigest(): string {
  known ??= digestOf(dirname(import.meta.dirname));
  return known;
}

function digestOf(trainer: string): string {
  const paths = readdirSync(trainer, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ['trainer', ...path.split(sep)].join('/'))
    .toSorted();
  const lines = paths.map((path) => `${sha256(readFileSync(join(dirname(trainer), path)))}  ${path}\n`);
  return sha256(lines.join(''));
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
