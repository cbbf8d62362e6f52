import { availableParallelism, totalmem } from 'node:os';
import type { StageSettings } from '../contract/settings.ts';
import { estimateMemory, type MemoryDemand, type MemoryPart, totalOf } from '../engine/memory-estimate.ts';

/** Bytes that this process may use: the limit of its control group, or what the machine has. */
export function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  // Without a limit it is 0, or a number larger than any machine has.
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

export interface ModelUse extends Pick<MemoryDemand, 'config' | 'head' | 'trained' | 'reference'> {
  readonly settings: StageSettings;
  /** One per core when absent. */
  readonly workers: number | undefined;
}

/**
 * Whether a stage fits into memory.
 *
 * @param limit bytes
 * @returns nothing if it does; `never` with a message where what it takes in any case is too much, `maybe` where it depends on its data
 */
export function fits(use: ModelUse, limit: number): { readonly never?: string; readonly maybe?: string } {
  const workers = use.workers ?? availableParallelism();
  const parts = estimateMemory({ ...use, workers, length: knownLength(use.settings) });
  const least = totalOf(parts.filter(({ certain }) => certain));
  const advice = workers > 1 ? 'fewer workers, a smaller model or more memory' : 'a smaller model or more memory';
  if (least > limit) {
    return {
      never:
        `found a model that needs ${inGB(least)} or more (${inWords(parts)}), ` +
        `expected one that fits into ${inGB(limit)}: take ${advice}`,
    };
  }
  const total = totalOf(parts);
  if (total <= limit) return {};
  return {
    maybe: `about ${inGB(total)} of memory are needed (${inWords(parts)}), ${inGB(limit)} are there: take ${advice}, or shorter completions`,
  };
}

/** Completions may be as long as they are allowed to be; of other rows nothing is known before they are read. */
function knownLength({ grpo, sample, evaluate }: StageSettings): number {
  return (grpo ?? sample ?? evaluate)?.sampling.maxNewTokens ?? 256;
}

/** The largest parts, which are what can be changed. */
function inWords(parts: readonly MemoryPart[]): string {
  const largest = parts.toSorted((a, b) => b.bytes - a.bytes).slice(0, 5);
  return largest.map(({ what, bytes }) => `${inGB(bytes)} ${what}`).join(', ');
}

function inGB(bytes: number): string {
  const gigabytes = bytes / 1e9;
  return `${gigabytes < 10 ? gigabytes.toFixed(1) : gigabytes.toFixed(0)} GB`;
}
