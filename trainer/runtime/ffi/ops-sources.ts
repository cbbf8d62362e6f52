import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Names what the kernels are compiled from, as native/Makefile does: the bits that they give depend on it.
 *
 * @param native the directory of that name
 * @returns 16 hexadecimal digits; nothing where the sources are not there, as in an image, which has what was compiled from them alone
 */
export function opsSources(native: string): string | undefined {
  if (!existsSync(join(native, 'Makefile'))) return undefined;
  const files = ['ops', 'kernels', 'kernels/targets', 'cuda', 'cuda/kernels', 'cuda/library', 'cuda/shim'].flatMap(
    (folder) =>
      readdirSync(join(native, folder))
        .filter((name) => /\.(?:cc|h)$/.test(name))
        .map((name) => `${folder}/${name}`),
  );
  const hash = createHash('sha256');
  for (const file of ['Makefile', ...files].toSorted()) hash.update(readFileSync(join(native, file)));
  return hash.digest('hex').slice(0, 16);
}
