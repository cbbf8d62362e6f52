import type { ModelConfig } from '../models/config.ts';
import type { ParameterLayout } from '../models/parameters.ts';
import { gradientProgram } from '../models/programs.ts';
import { sumOfSquares } from '../optim/clipping.ts';
import type { Parameters } from '../rollout/decoder.ts';
import type { SessionCache } from '../runtime/session-cache.ts';
import type { Feeds, Outputs } from '../runtime/session.ts';
import { floats, release } from '../runtime/tensor.ts';
import { completionNumbers, pairFeeds, pairScores, policyFeeds, supervisedFeeds, trainedNumbers } from './feeds.ts';
import type { Grid } from '../models/program-inputs.ts';
import type { MicroBatchResult, OptimizerMemory } from './protocol.ts';
import type { TrainingBatch } from './sequences.ts';

/** Runs one micro-batch forward and backward. The outputs hold `grad.<parameter>`. */
export async function runGradient(
  config: ModelConfig,
  sessions: SessionCache,
  parameters: Parameters,
  grid: Grid,
  batch: TrainingBatch,
): Promise<Outputs> {
  const { rows, length } = grid;
  const session = await sessions.get(`gradient ${batch.loss} ${rows}×${length}`, () =>
    gradientProgram(config, batch.loss, rows, length),
  );
  return session.run({ ...parameters, ...lossFeeds(grid, batch) });
}

function lossFeeds(grid: Grid, batch: TrainingBatch): Feeds {
  if (batch.loss === 'pairwise') return pairFeeds(grid, batch.pairs);
  if (batch.loss === 'policy') return policyFeeds(grid, batch);
  return supervisedFeeds(grid, batch.sequences);
}

export function microBatchResult(outputs: Outputs, batch: TrainingBatch): MicroBatchResult {
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
 * Adds the gradients of a run to their sum, and frees them. The first run of a step overwrites the last step's; the last one sums up the
 * squares while the numbers are at hand.
 */
export function addGradients(
  outputs: Outputs,
  { tensors }: ParameterLayout,
  { gradient, squares }: OptimizerMemory,
  { first, last }: { readonly first: boolean; readonly last: boolean },
): void {
  for (const [index, { name, offset, size }] of tensors.entries()) {
    const sum = gradient.subarray(offset, offset + size);
    const addend = floats(outputs, `grad.${name}`);
    if (first) sum.set(addend);
    else add(sum, addend);
    release(addend);
    if (last) squares[index] = sumOfSquares(sum);
  }
}

function add(sum: Float32Array, addend: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (addend[i] as number);
}
