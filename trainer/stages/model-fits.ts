import { availableParallelism, totalmem } from 'node:os';
import type { StageSettings } from '../contract/settings.ts';
import type { EvaluationSettings } from '../contract/training.ts';
import { runtimeName } from '../engine/engine-versions.ts';
import { estimateMemory, type MemoryDemand, type MemoryPart, totalOf } from '../engine/memory-estimate.ts';
import { largestStep, longestSampled } from './largest-sequences.ts';

/** Bytes that this process may use: the limit of its control group, or what the machine has. */
export function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  // Without a limit it is 0, or a number larger than any machine has.
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

export interface ModelUse extends Pick<MemoryDemand, 'config' | 'head' | 'reference' | 'rewardModels'> {
  /** Gradients and moments are kept. */
  readonly trained: boolean;
  readonly settings: StageSettings;
  readonly evaluation?: EvaluationSettings | undefined;
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
  const { trained, settings, evaluation, head } = use;
  const parts = estimateMemory({
    ...use,
    workers,
    runtime: runtimeName(),
    step: trained ? largestStep(settings) : undefined,
    sampledLength: head === 'lm' ? longestSampled(settings, evaluation) : 0,
  });
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
    maybe: `about ${inGB(total)} of memory are needed (${inWords(parts)}), ${inGB(limit)} are there: take ${advice}, or shorter rows and completions`,
  };
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
