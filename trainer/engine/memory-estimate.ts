import type { Head, ModelConfig } from '../models/config.ts';
import { type ParameterLayout, parameterLayout, trainedLayout } from '../models/parameters.ts';
import { kvBytesPerToken } from '../rollout/kv-cache.ts';
import type { RuntimeName } from '../runtime/runtime.ts';
import { cacheBytes, mostRows } from './generation-plan.ts';
import { ownPanelBytes } from './threads/panels.ts';
import { bytesPerNumber, type LargestStep, ofStep, ofWorkers } from './step-memory.ts';

/** What a model is opened for, with what is opened beside it. */
export interface MemoryDemand {
  readonly config: ModelConfig;
  readonly head: Head;
  /** Worker threads. */
  readonly workers: number;
  /** `stock` takes no shared memory, and copies what programs put out; all but `ops` compute attention scores in memory. */
  readonly runtime: RuntimeName;
  /** Gradients and moments are kept; absent where nothing is trained. */
  readonly step?: LargestStep | undefined;
  /** A second set of weights is kept. */
  readonly reference: boolean;
  /** Longest sequence that is sampled, prompt and completion, in tokens; 0 where none is. */
  readonly sampledLength: number;
  /** Reward models by name, which stay open once they have scored. */
  readonly rewardModels: ReadonlyMap<string, ModelConfig>;
}

export interface MemoryPart {
  /** In words, to follow an amount: `0.5 GB the weights`. */
  readonly what: string;
  readonly bytes: number;
  /** Taken in any case; the others depend on the data. */
  readonly certain: boolean;
}

/** Node, ONNX Runtime and what they have loaded, without a model. */
export const programBytes = 500e6;

/**
 * The memory that a stage needs at its peak, by what it is for; docs/pretrained-models.md has the same in a table, with measurements.
 *
 *   shared by all workers   4 bytes a parameter each for weights, gradient, two moments, reference; all but the weights only of
 *                           parameters that are trained
 *   a worker                keys and values, in bf16 2 bytes each; what a step works in (step-memory.ts)
 *   each reward model       4 bytes a parameter for its weights
 *
 * In bf16, 2 bytes more for each number of the matrices that products read, of every model and of the reference. Where nothing is trained
 * sampling takes the same again of a model of at most 1 GiB, packed: 4 bytes of each number of the matrices, 2 in bf16.
 *
 * A runtime that copies takes 4 bytes a parameter of every model more for each worker, and twice the table of the head for its gradient.
 */
export function estimateMemory(demand: MemoryDemand): MemoryPart[] {
  const { config, head, workers, runtime, step, reference, sampledLength, rewardModels } = demand;
  const copies = runtime === 'stock';
  const layout = parameterLayout(config, head);
  const weights = bytesOf(layout);
  const trained = trainedLayout(layout);
  const inBfloat16 = (of: ParameterLayout) => (copies ? 0 : roundedBytes(of));
  const bytesOfOpen = (of: ParameterLayout) => (copies ? 1 + workers : 1) * bytesOf(of) + inBfloat16(of);
  const each = ofWorkers(workers);
  const rounded = inBfloat16(layout) + (reference ? inBfloat16(trained) : 0);
  const longest = Math.min(sampledLength, config.maxLength);
  // In bf16 as many in float32, where a runtime takes no other.
  const asFloats = copies && config.precision === 'bf16' ? 2 : 1;
  const keysAndValues = asFloats * keysAndValuesBytes(config, longest);
  const packed = runtime === 'ops' && longest > 0 && !step ? ownPanelBytes(config, layout) : 0;
  return [
    certain('the weights', weights),
    ...(rounded > 0 ? [certain('their copy in bfloat16', rounded)] : []),
    ...(step
      ? [certain('their gradient', bytesOf(trained)), certain('the moments of AdamW', 2 * bytesOf(trained))]
      : []),
    ...(reference ? [certain('the reference', bytesOf(trained))] : []),
    ...(copies ? [certain(`copies of the weights ${each}`, workers * weights)] : []),
    ...(step && copies ? [certain(`gradients ${each}`, 2 * workers * tableBytes(config, head))] : []),
    ...Array.from(rewardModels, ([name, model]) =>
      certain(`the reward model ${name}`, bytesOfOpen(parameterLayout(model, 'scalar'))),
    ),
    ...(packed > 0 ? [likely('the weights packed for sampling', packed)] : []),
    ...(longest > 0 ? [likely(`keys and values ${each}`, workers * keysAndValues)] : []),
    ...(step ? Object.entries(ofStep(step, demand)).map(([what, bytes]) => likely(what, bytes)) : []),
    certain('the program', programBytes),
  ];
}

/** Of the sequences that are sampled side by side, as many as there is room for. */
export function keysAndValuesBytes(config: ModelConfig, longest: number): number {
  const ofOneSequence = longest * kvBytesPerToken(config);
  return Math.max(ofOneSequence, Math.min(cacheBytes, mostRows * ofOneSequence));
}

/** Of the copy of what products read in bfloat16. */
function roundedBytes({ tensors }: ParameterLayout): number {
  const sizes = tensors.map(({ type, size }) => (type === 'bfloat16' ? size : 0));
  return Uint16Array.BYTES_PER_ELEMENT * sizes.reduce((sum, size) => sum + size, 0);
}

function bytesOf({ size }: ParameterLayout): number {
  return bytesPerNumber * size;
}

/** Of the largest tensor whose gradient a program puts out; of adapters together, for they are small. */
function tableBytes(config: ModelConfig, head: Head): number {
  const { vocabularySize, hiddenSize, intermediateSize } = config;
  if (config.lora) return bytesOf(trainedLayout(parameterLayout(config, head)));
  return bytesPerNumber * hiddenSize * (head === 'lm' ? Math.max(vocabularySize, intermediateSize) : intermediateSize);
}

export function certain(what: string, bytes: number): MemoryPart {
  return { what, bytes, certain: true };
}

export function likely(what: string, bytes: number): MemoryPart {
  return { what, bytes, certain: false };
}

export function totalOf(parts: readonly MemoryPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
