import type { Head, ModelConfig } from '../models/config.ts';
import { gridLength } from '../models/packing.ts';
import { logitBytes } from '../passes/head-runs.ts';
import type { RuntimeName } from '../runtime/runtime.ts';
import { budgetFor, cutMicroBatches, keptBytesPerToken, keptLayers } from './micro-batches.ts';

/** An optimizer step on sequences that are all as long as they may be. */
export interface LargestStep {
  readonly sequences: number;
  /** Of each in tokens, and how many of them are predicted: not those of a prompt, and none by a scalar head. */
  readonly size: { readonly length: number; readonly predicted: number };
  /** 2 for pairs. */
  readonly rowsPerSequence: number;
}

interface Where {
  readonly config: ModelConfig;
  readonly head: Head;
  readonly workers: number;
  readonly runtime: RuntimeName;
}

export const bytesPerNumber = Float32Array.BYTES_PER_ELEMENT;

/** HEAP_MAX_SIZE of glibc on 64 bits. */
const heapBytes = 64 * 1024 * 1024;

/** More make no micro-batch larger. */
const enoughSequences = 8192;

/**
 * Bytes that a step works in beside parameters, gradient and moments, by what they are for. Of each worker that has a micro-batch, T tokens
 * in R rows of the largest one:
 *
 *   logits        twice those that exist at a time: with their softmax
 *   activations   what layers keep for the way back, as many as fit into 512 MiB, and of one more, in whose place the others run again;
 *                 the residual streams between all layers, two cotangents of them; keys and values; what the way back of one layer works in
 *   scores        four times heads · R · length², where no kernel does without
 *
 * and of all workers the embedding's gradient, a row for each token that the step has.
 */
export function ofStep(step: LargestStep, { config, head, workers, runtime }: Where): Record<string, number> {
  const { vocabularySize, hiddenSize, layers, heads, kvHeads, headDim, maxLength, lora } = config;
  const { sequences, size, rowsPerSequence } = step;
  const [length, predicted] = [Math.min(size.length, maxLength), Math.min(size.predicted, maxLength)];
  const microBatches = cutLargestStep(step, config);
  const busy = Math.min(workers, microBatches.length);
  const each = ofWorkers(busy);
  const [largest] = microBatches;
  const [rows, tokens] = [rowsPerSequence * (largest?.members.length ?? 0), largest?.tokens ?? 0];

  const kept = keptLayers(config, tokens) * tokens * keptBytesPerToken(config);
  const streams = (layers + 1 + 2) * hiddenSize + 2 * kvHeads * headDim;
  const activations = kept + bytesPerNumber * tokens * streams + workOfLayer(config, runtime, tokens);
  const logits = Math.min(logitBytes, bytesPerNumber * vocabularySize * rows * predicted);
  const scores = runtime === 'ops' ? 0 : bytesPerNumber * heads * rows * gridLength(length) ** 2;
  const embeddingRows = lora ? 0 : Math.min(vocabularySize, sequences * rowsPerSequence * length);
  return {
    ...(head === 'lm' && { [`logits ${each}`]: 2 * busy * logits }),
    [`activations ${each}`]: busy * activations,
    ...(scores > 0 && { [`attention scores ${each}`]: 4 * busy * scores }),
    ...(embeddingRows > 0 && { "the embedding's gradient by rows": bytesPerNumber * hiddenSize * embeddingRows }),
  };
}

/** Its micro-batches; of very many no more than make a difference. */
export function cutLargestStep({ sequences, size, rowsPerSequence }: LargestStep, config: ModelConfig) {
  const length = Math.min(size.length, config.maxLength);
  const all = Array.from({ length: Math.min(sequences, enoughSequences) }, () => ({
    length,
    rows: rowsPerSequence,
    tokens: rowsPerSequence * length,
  }));
  return cutMicroBatches(all, budgetFor(config));
}

/** Whose memory it is, as a refusal tells it. */
export function ofWorkers(count: number): string {
  return count === 1 ? 'of the worker' : `of ${count} workers`;
}

/**
 * What the way back of a layer takes. It has at once, in its larger half: of the feed-forward layer what it projects down and its cotangent,
 * the cotangents of gate and up, the norm, its cotangent and that of the stream; of attention queries and keys after RoPE, the cotangents of
 * queries, keys, values and of what was attended, the norm, its cotangent and that of the stream.
 *
 * The allocator keeps as much again in gaps for each of the two programs that take turns, of a layer and of its gradient: glibc seldom puts
 * an aligned tensor where another one was. It also takes memory for a thread by heaps, of which one is open.
 *
 * Without kernels op follows op, with what lies between them: three times what a layer keeps.
 */
function workOfLayer(config: ModelConfig, runtime: RuntimeName, tokens: number): number {
  if (runtime !== 'ops') return 3 * tokens * keptBytesPerToken(config);
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = config;
  const [query, keyValue] = [heads * headDim, kvHeads * headDim];
  const feedForward = 4 * intermediateSize + 3 * hiddenSize;
  const attention = 3 * query + 3 * keyValue + 3 * hiddenSize;
  return 3 * bytesPerNumber * tokens * Math.max(feedForward, attention) + heapBytes;
}
