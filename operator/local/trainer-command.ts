import { fileURLToPath } from 'node:url';

/** The trainer beside this file, with the same Node. */
export function trainerCommand(): readonly [program: string, ...leading: string[]] {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return [process.execPath, fileURLToPath(new URL(`../../trainer/main.${extension}`, import.meta.url))];
}
