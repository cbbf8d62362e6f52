import type { Head, ModelConfig } from '../models/config.ts';
import { parameterLayout } from '../models/parameters.ts';
import { kvBytesPerToken } from '../rollout/kv-cache.ts';
import { cacheBytes, mostRows } from './generation-plan.ts';
import { budgetFor } from './micro-batches.ts';

/** What a model is opened for. */
export interface MemoryDemand {
  readonly config: ModelConfig;
  readonly head: Head;
  /** Worker threads. */
  readonly workers: number;
  /** Gradients and moments are kept. */
  readonly trained: boolean;
  /** A second set of weights is kept. */
  readonly reference: boolean;
  /** Longest sequence that is known of, in tokens. */
  readonly length: number;
}

export interface MemoryPart {
  /** In words, to follow an amount: `0.5 GB the weights`. */
  readonly what: string;
  readonly bytes: number;
  /** Taken in any case; the others depend on the data. */
  readonly certain: boolean;
}

const bytesPerNumber = Float32Array.BYTES_PER_ELEMENT;

/** Node, ONNX Runtime and what they have loaded, without a model. */
const programBytes = 500e6;

/**
 * The memory that a stage needs at its peak, by what it is for; docs/pretrained-models.md has the same in a table, with measurements.
 *
 *   shared by all workers   4 bytes a parameter each for weights, gradient, two moments, reference
 *   a worker                4 bytes a parameter for its copy of the weights; to train, 8 for its gradients, which ONNX Runtime has
 *                           once and the binding copies; keys and values; logits and their gradient; the attention scores of all
 *                           layers, which the backward pass needs: 4 · layers · heads · length²
 */
export function estimateMemory(demand: MemoryDemand): MemoryPart[] {
  const { config, head, workers, trained, reference } = demand;
  const weights = bytesPerNumber * parameterLayout(config, head).size;
  const length = Math.min(demand.length, config.maxLength);
  const each = workers === 1 ? 'of the worker' : `of ${workers} workers`;
  const logits = bytesPerNumber * config.vocabularySize * Math.min(length, budgetFor(config.vocabularySize).predicted);
  return [
    certain('the weights', weights),
    ...(trained ? [certain('their gradient', weights), certain('the moments of AdamW', 2 * weights)] : []),
    ...(reference ? [certain('the reference', weights)] : []),
    certain(`copies of the weights ${each}`, workers * weights),
    ...(trained ? [certain(`gradients ${each}`, 2 * workers * weights)] : []),
    ...(head === 'lm'
      ? [
          likely(
            `keys and values ${each}`,
            workers * Math.min(cacheBytes, mostRows * length * kvBytesPerToken(config)),
          ),
          likely(`logits ${each}`, workers * (trained ? 2 : 1) * logits),
        ]
      : []),
    ...(trained
      ? [likely(`attention scores ${each}`, workers * bytesPerNumber * config.layers * config.heads * length ** 2)]
      : []),
    certain('the program', programBytes),
  ];
}

function certain(what: string, bytes: number): MemoryPart {
  return { what, bytes, certain: true };
}

function likely(what: string, bytes: number): MemoryPart {
  return { what, bytes, certain: false };
}

export function totalOf(parts: readonly MemoryPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
