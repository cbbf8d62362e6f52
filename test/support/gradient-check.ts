import { gradients } from '../../trainer/autodiff/reverse.ts';
import { sizeOf } from '../../trainer/graph/shape.ts';
import { type Value, constant, input } from '../../trainer/graph/value.ts';
import { writeProgram } from '../../trainer/graph/writer.ts';
import { multiply } from '../../trainer/ops/elementwise.ts';
import { sum } from '../../trainer/ops/reduction.ts';
import { type Feeds, openProgram, runProgram } from './run-program.ts';

/** Numbers between −1 and 1 that look random and are always the same. */
export function samples(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => Math.sin(12.9898 * (index + 1) + 78.233 * seed) * 0.95);
}

export interface GradientCase {
  /** Shapes of the differentiable inputs. */
  readonly inputs: readonly (readonly number[])[];
  readonly build: (...inputs: Value[]) => Value;
  /** Moves the inputs to where the op is smooth. */
  readonly place?: (value: number, index: number) => number;
}

/**
 * Gradient of Σ output ∘ (fixed uneven weights), found by reverse mode and by central differences.
 *
 * @returns for each input the relative difference of the two (L2 over its elements)
 */
export async function gradientErrors({ inputs, build, place = (x) => x }: GradientCase): Promise<number[]> {
  const values = inputs.map((shape, index) => input(`x${index}`, shape));
  const output = build(...values);
  const loss = sum(multiply(output, constant(samples(sizeOf(output.shape), 99), output.shape.map(Number))));
  const grads = gradients(loss, values);
  const outputs = Object.fromEntries(grads.map((grad, index) => [`g${index}`, grad]));
  const feeds = inputs.map((shape, index) => samples(sizeOf(shape), index).map(place));

  const analytic = await runProgram(writeProgram(values, outputs), named(feeds));
  const run = await openProgram(writeProgram(values, { output }));
  const weights = samples(sizeOf(output.shape), 99);
  // The weighted sum in float64: a float32 loss would drown small differences.
  const evaluate = async (data: readonly Float32Array[]): Promise<number> => {
    const result = (await run(named(data)))['output'] as Float32Array;
    return result.reduce((total, value, index) => total + value * (weights[index] as number), 0);
  };

  const errors: number[] = [];
  for (const [index, data] of feeds.entries()) {
    const numeric: number[] = [];
    for (const element of data.keys()) {
      const moved = (offset: number): Float32Array[] =>
        feeds.with(index, data.with(element, (data[element] as number) + offset));
      numeric.push(((await evaluate(moved(step))) - (await evaluate(moved(-step)))) / (2 * step));
    }
    const found = analytic[`g${index}`] as Float32Array;
    errors.push(Math.hypot(...numeric.map((value, at) => value - (found[at] as number))) / Math.hypot(...numeric));
  }
  return errors;
}

function named(data: readonly Float32Array[]): Feeds {
  return Object.fromEntries(data.map((array, index) => [`x${index}`, array]));
}

/** Small against the curvature of the functions, large against the rounding of float32. */
const step = 1 / 64;
