import { availableParallelism, totalmem } from 'node:os';
import { UserError } from '../contract/errors.ts';
import { estimateMemory, type MemoryDemand, type MemoryPart, totalOf } from '../engine/memory-estimate.ts';
import type { ModelConfig } from '../models/config.ts';
import type { Workspace } from './workspace.ts';

/** Bytes that this process may use: the limit of its control group, or what the machine has. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  // Without a limit it is 0, or a number larger than any machine has.
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/**
 * Whether a model fits, before memory is taken for it: one that cannot would be ended by the kernel after minutes, without a
 * word. One that may not fit, depending on its data, is warned of.
 *
 * @throws UserError with what the memory is for
 */
export function requireMemory(
  { file, warnings }: Workspace,
  config: ModelConfig,
  needs: Pick<MemoryDemand, 'head' | 'trained' | 'reference'>,
  limit = memoryLimit(),
): void {
  const workers = file.workers ?? availableParallelism();
  const parts = estimateMemory({ ...needs, config, workers, length: knownLength(file) });
  const least = totalOf(parts.filter(({ certain }) => certain));
  const advice = workers > 1 ? 'fewer workers, a smaller model or more memory' : 'a smaller model or more memory';
  if (least > limit) {
    throw new UserError(
      `stage ${file.stage}: found a model that needs ${inGB(least)} or more (${inWords(parts)}), ` +
        `expected one that fits into ${inGB(limit)}: take ${advice}`,
    );
  }
  if (totalOf(parts) <= limit) return;
  const message = `about ${inGB(totalOf(parts))} of memory are needed (${inWords(parts)}), ${inGB(limit)} are there: take ${advice}, or shorter completions`;
  warnings.warn('MemoryTight', message);
}

/** Completions may be as long as they are allowed to be; of other rows nothing is known before they are read. */
function knownLength({ settings: { grpo, sample, evaluate } }: Workspace['file']): number {
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
