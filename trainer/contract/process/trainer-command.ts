import { fileURLToPath } from 'node:url';

/**
 * V8 lets the young generation of every thread grow while much in it survives a collection, as the rows of a large data
 * set do: with them the memory of a stage would go on growing for half an hour. The old generation it lets grow to four times
 * what lives there before it collects: of 165 MB to 650. The first line of `trainer/main.ts` has
 * the flags, too, for whoever starts it by its name.
 */
export const trainerFlags: readonly string[] = ['--max-semi-space-size=8', '--heap-growing-percent=50'];

/** The trainer, with the same Node. */
export function trainerCommand(): readonly [program: string, ...leading: string[]] {
  return [process.execPath, ...trainerFlags, fileURLToPath(new URL('../../main.ts', import.meta.url))];
}
