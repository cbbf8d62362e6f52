import type { ModelConfig } from '../models/config.ts';
import { logitBytes } from '../passes/head-runs.ts';
import { likely, type MemoryPart } from './memory-estimate.ts';
import { bytesPerNumber, cutLargestStep, type LargestStep } from './step-memory.ts';

/** What an algorithm of cuBLASLt may work in (`mostWorkspace`, native/cuda/linear-by-library.cc). */
const productWorkspaceBytes = 32 * 2 ** 20;

/** Sequences of cuDNN's attention are filled up to multiples of this (`lengthUnit`, native/cuda/sequence-attention.cc). */
const cellUnit = 128;

const bytesInBfloat16 = Uint16Array.BYTES_PER_ELEMENT;

/**
 * Memory that kernels of a GPU keep to work in (native/kernels/scratch.h) in steps whose largest micro-batch has T tokens in R rows.
 *
 *   products   what an algorithm works in; in bf16 both factors of a weight's gradient rounded, 2 bytes a number: rows of the widest layer, and
 *              of the head the logits' cotangents
 *   attention  in bf16, as cuDNN may take it: of each cell 2 bytes a number of queries, of what was attended, of both cotangents, of keys and
 *              values and their cotangents; 4 bytes a head for the sums of exponentials; and, not measured, what cuDNN sums the cotangents of
 *              queries in, 4 bytes a number. A row has cells for its tokens up to the next multiple of 128
 */
export function estimateDeviceScratch(step: LargestStep | undefined, config: ModelConfig): MemoryPart[] {
  const { hiddenSize, intermediateSize, vocabularySize, heads, kvHeads, headDim, precision, maxLength } = config;
  if (step === undefined || precision !== 'bf16') return [likely('products', productWorkspaceBytes)];
  const [largest] = cutLargestStep(step, config);
  const [tokens, rows] = [largest?.tokens ?? 0, step.rowsPerSequence * (largest?.members.length ?? 0)];
  const [query, keyValue] = [heads * headDim, kvHeads * headDim];
  const predicted = rows * Math.min(step.size.predicted, maxLength);
  const cotangents = Math.min(logitBytes / bytesPerNumber, predicted * vocabularySize);
  const widest = tokens * Math.max(hiddenSize, intermediateSize, query);
  const products = bytesInBfloat16 * (widest + Math.max(widest, cotangents));
  const cells = rows * Math.ceil(Math.min(step.size.length, maxLength) / cellUnit) * cellUnit;
  const attention = bytesInBfloat16 * (4 * query + 4 * keyValue) + bytesPerNumber * (heads + query);
  return [
    likely('products', productWorkspaceBytes + products),
    likely("cells of cuDNN's attention", cells * attention),
  ];
}
