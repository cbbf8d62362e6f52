import type { ModelConfig } from '../../models/config.ts';
import type { ParameterLayout } from '../../models/parameters.ts';
import { gradientProgram } from '../../models/programs.ts';
import { sumOfSquares } from '../../optim/clipping.ts';
import type { ExecutableCache } from '../../runtime/executable-cache.ts';
import { floats, release, type Tensors } from '../../runtime/tensor.ts';
import { completionNumbers, pairFeeds, pairScores, policyFeeds, supervisedFeeds, trainedNumbers } from './feeds.ts';
import type { Grid } from '../../models/program-inputs.ts';
import { parameterViews } from './parameter-tensors.ts';
import type { MicroBatchResult } from '../backend.ts';
import type { OptimizerMemory } from './protocol.ts';
import type { TrainingBatch } from '../sequences.ts';

/** Where programs leave a micro-batch's gradients, as views of a flat array. */
export function gradientTensors(layout: ParameterLayout, gradient: Float32Array): Tensors {
  return Object.fromEntries(
    Object.entries(parameterViews(layout, gradient)).map(([name, tensor]) => [`grad.${name}`, tensor]),
  );
}

/**
 * Runs one micro-batch forward and backward. The outputs hold `grad.<parameter>`.
 *
 * @param gradients memory for them, where programs write in place
 */
export async function runGradient(
  config: ModelConfig,
  programs: ExecutableCache,
  { parameters, gradients }: { readonly parameters: Tensors; readonly gradients: Tensors | undefined },
  grid: Grid,
  batch: TrainingBatch,
): Promise<Tensors> {
  const { rows, length } = grid;
  const program = await programs.get(`gradient ${batch.loss} ${rows}×${length}`, () =>
    gradientProgram(config, batch.loss, rows, length),
  );
  return program.run({ ...parameters, ...lossFeeds(grid, batch) }, gradients);
}

function lossFeeds(grid: Grid, batch: TrainingBatch): Tensors {
  if (batch.loss === 'pairwise') return pairFeeds(grid, batch.pairs);
  if (batch.loss === 'policy') return policyFeeds(grid, batch);
  return supervisedFeeds(grid, batch.sequences);
}

export function microBatchResult(outputs: Tensors, batch: TrainingBatch): MicroBatchResult {
  const result = { loss: floats(outputs, 'loss')[0] as number, probs: [], top: [], scores: [] };
  if (batch.loss === 'pairwise') return { ...result, scores: pairScores(floats(outputs, 'score'), batch.pairs) };
  const prob = floats(outputs, 'prob');
  if (batch.loss === 'policy') return { ...result, probs: completionNumbers(prob, batch.sequences) };
  return {
    ...result,
    probs: trainedNumbers(prob, batch.sequences),
    top: trainedNumbers(floats(outputs, 'top'), batch.sequences),
  };
}

/**
 * Adds the gradients of a run to their sum, and frees them where they are a copy. The first run of a step overwrites the last step's, or
 * has written its own into their place; the last one sums up the squares while the numbers are at hand.
 */
export function addGradients(
  outputs: Tensors,
  { tensors }: ParameterLayout,
  { gradient, squares }: OptimizerMemory,
  { first, last, copied }: { readonly first: boolean; readonly last: boolean; readonly copied: boolean },
): void {
  for (const [index, { name, offset, size }] of tensors.entries()) {
    const sum = gradient.subarray(offset, offset + size);
    const addend = floats(outputs, `grad.${name}`);
    if (!first) add(sum, addend);
    else if (copied) sum.set(addend);
    if (copied) release(addend);
    if (last) squares[index] = sumOfSquares(sum);
  }
}

function add(sum: Float32Array, addend: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (addend[i] as number);
}
