import { type ParameterLayout, parameterLayout, trainedLayout } from '../models/parameters.ts';
import { squareBlocks } from '../optim/clipping.ts';
import { certain, keysAndValuesBytes, likely, type MemoryDemand, type MemoryPart } from './memory-estimate.ts';
import { pinnedBytes } from '../runtime/device-memory.ts';
import { estimateDeviceScratch } from './device-scratch-estimate.ts';
import { mostRows } from './generation-plan.ts';
import { bytesPerNumber, cutLargestStep, ofStep } from './step-memory.ts';
import { leavesOf, partialSums, sharesOf } from './device/gradient-tree.ts';

export interface DeviceDemand extends Omit<MemoryDemand, 'workers' | 'runtime'> {
  /** Devices that share the work. */
  readonly lanes: number;
}

/** CUDA's context and its libraries; not measured. */
const contextBytes = 1e9;

/** Of a number of the distribution that tokens are drawn from: itself, and its part of a sum in float64 of 64 of them. */
const sampledBytes = 4 + 8 / 64;

/**
 * The memory of each of some devices that a stage needs at its peak, by what it is for; docs/gpu.md has totals in a table.
 *
 *   weights           4 bytes a parameter, of the policy, a reference (of what is trained) and each reward model
 *   in bf16           2 bytes more, of each of these
 *   gradients         4 bytes a trained parameter for each partial sum of the tree that is kept at a time: up to 4 of one lane, 3 of two, 2 of four, 1 of eight
 *   moments           8 bytes a trained parameter, shared out over the lanes
 *   what lanes sum    a block of the gradient, up to 16 MiB, from each other lane
 *   keys and values, and what a step works in, as of one worker (memory-estimate.ts, step-memory.ts): a lane has one micro-batch at a time
 *   kernels           what they work in (device-scratch-estimate.ts)
 *   sampling          4 bytes for each number of the distributions of 64 sequences, and 8 for 64 of them
 */
export function estimateDeviceMemory(demand: DeviceDemand): MemoryPart[] {
  const { config, head, step, reference, sampledLength, rewardModels } = demand;
  const layout = parameterLayout(config, head);
  const trained = trainedLayout(layout);
  const rounded = roundedBytes(layout) + (reference ? roundedBytes(trained) : 0);
  const longest = Math.min(sampledLength, config.maxLength);
  return [
    certain('the weights', bytesOf(layout)),
    ...(rounded > 0 ? [certain('their copy in bfloat16', rounded)] : []),
    ...(step ? ofTraining(demand, trained) : []),
    ...(reference ? [certain('the reference', bytesOf(trained))] : []),
    ...Array.from(rewardModels, ([name, model]) => {
      const of = parameterLayout(model, 'scalar');
      return certain(`the reward model ${name}`, bytesOf(of) + roundedBytes(of));
    }),
    ...(longest > 0
      ? [
          likely('keys and values', keysAndValuesBytes(config, longest)),
          likely('sampling', mostRows * config.vocabularySize * sampledBytes),
        ]
      : []),
    ...(step
      ? Object.entries(ofStep(step, { config, head, workers: 1, runtime: 'ops' })).map(([what, bytes]) =>
          likely(what.replace(' of the worker', ''), bytes),
        )
      : []),
    ...estimateDeviceScratch(step, config),
    certain('CUDA and the kernels', contextBytes),
  ];
}

function ofTraining({ config, lanes, step }: DeviceDemand, trained: ParameterLayout): MemoryPart[] {
  const leaves = leavesOf(step === undefined ? [] : cutLargestStep(step, config));
  const sums = Math.max(1, ...sharesOf(leaves, lanes).map((ofLane) => partialSums(ofLane.map(({ length }) => length))));
  const shares = sharesOf(squareBlocks(trained.size), lanes).map((blocks) =>
    blocks.reduce((sum, { start, end }) => sum + end - start, 0),
  );
  const largestBlock = Math.max(0, ...squareBlocks(trained.size).map(({ start, end }) => end - start));
  return [
    certain(sums === 1 ? 'their gradient' : `${sums} partial sums of their gradient`, sums * bytesOf(trained)),
    certain('the moments of AdamW', 2 * bytesPerNumber * Math.max(...shares)),
    ...(lanes > 1 ? [certain('blocks of other gradients', (lanes - 1) * bytesPerNumber * largestBlock)] : []),
  ];
}

/**
 * The memory of the process beside devices: moments go to a file as a whole, and those of several lanes are put together first. What goes in and
 * out of a GPU lies in locked memory on its way.
 *
 * @returns bytes
 */
export function processBytesBeside({ config, head, lanes, step }: DeviceDemand): number {
  const moments = step ? 2 * bytesOf(trainedLayout(parameterLayout(config, head))) : 0;
  return moments * (lanes > 1 ? 2 : 1) + lanes * pinnedBytes;
}

/** Of the copy in bfloat16, which a set has of all that is trained, or of all that is not, where a product reads some of it so. */
function roundedBytes({ tensors }: ParameterLayout): number {
  return [true, false]
    .map((isTrained) => tensors.filter(({ trained }) => trained === isTrained))
    .filter((part) => part.some(({ type }) => type === 'bfloat16'))
    .reduce((sum, part) => sum + part.reduce((of, { size }) => of + Uint16Array.BYTES_PER_ELEMENT * size, 0), 0);
}

function bytesOf({ size }: ParameterLayout): number {
  return bytesPerNumber * size;
}
