import { availableParallelism, totalmem } from 'node:os';
import type { StageFile } from '../../contract/settings/stage-file.ts';
import type { StageSettings } from '../../contract/settings/settings.ts';
import type { EvaluationSettings } from '../../contract/settings/training.ts';
import { runtimeName } from '../../engine/engine-versions.ts';
import { estimateDeviceMemory, processBytesBeside } from '../../engine/device-memory-estimate.ts';
import {
  estimateMemory,
  type MemoryDemand,
  type MemoryPart,
  programBytes,
  totalOf,
} from '../../engine/memory-estimate.ts';
import type { LaneDevice } from '../../runtime/choose-device.ts';
import { largestStep, longestSampled } from './largest-sequences.ts';
import { programsMemory } from './programs-memory.ts';

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
  /** That the stage is given; absent where they are not known. */
  readonly datasets?: StageFile['datasets'] | undefined;
  /** One per core when absent. */
  readonly workers: number | undefined;
  /** What computes instead of them. */
  readonly devices: readonly LaneDevice[];
}

interface Fit {
  /** Why not: what it takes in any case is too much. */
  readonly never?: string;
  /** Why that depends on its data. */
  readonly maybe?: string;
}

/**
 * Whether a stage fits into memory; of GPUs into that of each, and beside them into that of the process.
 *
 * @param limit bytes of the process
 */
export function fits(use: ModelUse, limit: number): Fit {
  const { trained, settings, evaluation, head, devices } = use;
  const demand = {
    ...use,
    step: trained ? largestStep(settings) : undefined,
    sampledLength: head === 'lm' ? longestSampled(settings, evaluation) : 0,
  };
  const lanes = devices.length;
  if (lanes === 0) {
    const workers = use.workers ?? availableParallelism();
    const parts = [...estimateMemory({ ...demand, workers, runtime: runtimeName() }), ...programsMemory(use)];
    const advice = workers > 1 ? 'fewer workers, a smaller model or more memory' : 'a smaller model or more memory';
    return judge(parts, { room: limit, of: '', into: inGB(limit), advice });
  }
  const parts = estimateDeviceMemory({ ...demand, lanes });
  const gpus = devices.flatMap((device) => (device.kind === 'cuda' ? [device.of] : []));
  const [smallest] = gpus.toSorted((a, b) => a.memoryBytes - b.memoryBytes);
  const advice = use.config.lora ? 'a smaller model or a larger GPU' : 'lora, a smaller model or a larger GPU';
  if (smallest === undefined)
    return judge(parts, { room: limit / lanes, of: ' a lane', into: inGB(limit / lanes), advice });
  const { memoryBytes: room, name } = smallest;
  const programs = totalOf(programsMemory(use).filter((part) => part.certain));
  const beside = processBytesBeside({ ...demand, lanes }) + programBytes + programs;
  if (beside > limit) {
    return {
      never:
        `found a model that needs ${inGB(beside)} of memory beside its GPUs, where its moments go to a file as a whole, ` +
        `expected one that fits into ${inGB(limit)}: take lora, a smaller model or more memory`,
    };
  }
  return judge(parts, { room, of: ' of each GPU', into: `the ${inGB(room)} of ${name}`, advice });
}

interface Place {
  /** Bytes. */
  readonly room: number;
  readonly of: string;
  readonly into: string;
  readonly advice: string;
}

function judge(parts: readonly MemoryPart[], { room, of, into, advice }: Place): Fit {
  const least = totalOf(parts.filter(({ certain }) => certain));
  if (least > room) {
    return {
      never:
        `found a model that needs ${inGB(least)} or more${of} (${inWords(parts)}), ` +
        `expected one that fits into ${into}: take ${advice}`,
    };
  }
  const total = totalOf(parts);
  if (total <= room) return {};
  return {
    maybe: `about ${inGB(total)} of memory${of} are needed (${inWords(parts)}), ${inGB(room)} are there: take ${advice}, or shorter rows and completions`,
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
