import { readFile } from 'node:fs/promises';
import type { FunnelCount } from './record.ts';

/** Reads the counts of a sample stage's filters; empty when there is no such file or it is cut off. */
export async function readFunnel(path: string): Promise<FunnelCount[]> {
  try {
    return countsOf(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Every count with its way through the object as label, in the order written. */
function countsOf(value: unknown, way: readonly string[] = []): FunnelCount[] {
  if (typeof value === 'number') return [{ label: way.map(words).join(': '), count: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => countsOf(inner, [...way, key]));
}

/** `notOverlong` → `not overlong` */
function words(key: string): string {
  return key.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}
