import type { OnnxProgram } from '../graph/program.ts';
import { type Value, constant, input, integers, kernel } from '../graph/value.ts';
import { writeProgram } from '../graph/writer.ts';
import { add, divide, multiply, squareRoot, subtract } from '../ops/elementwise.ts';
import { gatherRows } from '../ops/indexing.ts';
import { cast } from '../ops/movement.ts';
import type { AdamWSettings } from './adamw.ts';

/**
 * `adamw` as a program, with its bits: `parameters`, `m`, `v`, `gradient` [n] and `settings` [8] → `next.parameters`,
 * `next.m`, `next.v` [n]. Outputs may lie in the memory of the inputs.
 */
export function adamwProgram(): OnnxProgram {
  const inputs = ['parameters', 'm', 'v', 'gradient'].map((name) => input(name, ['n']));
  const settings = input('settings', [8], 'float64');
  const [parameters, m, v] = updated(inputs as [Value, Value, Value, Value], settings) as [Value, Value, Value];
  return writeProgram([...inputs, settings], { 'next.parameters': parameters, 'next.m': m, 'next.v': v });
}

/** `settings` of the program. @param decay whether the parameters are decayed */
export function adamwProgramSettings(
  { learningRate, betas: [beta1, beta2], epsilon, weightDecay }: AdamWSettings,
  step: number,
  gradientScale: number,
  decay: boolean,
): Float64Array {
  const corrections = [1 - beta1 ** step, 1 - beta2 ** step];
  return Float64Array.of(gradientScale, learningRate, beta1, beta2, epsilon, decay ? weightDecay : 0, ...corrections);
}

function updated(inputs: readonly [Value, Value, Value, Value], settings: Value): Value[] {
  const [p, m, v, gradient] = inputs.map((value) => cast(value, 'float64')) as [Value, Value, Value, Value];
  const [gradientScale, learningRate, beta1, beta2, epsilon, weightDecay, correction1, correction2] = Array.from(
    { length: 8 },
    (_, index) => gatherRows(settings, integers([index])),
  ) as [Value, Value, Value, Value, Value, Value, Value, Value];
  const one = cast(constant(Float32Array.of(1), [1]), 'float64');

  const g = multiply(gradient, gradientScale);
  const first = add(multiply(beta1, m), multiply(subtract(one, beta1), g));
  const second = add(multiply(beta2, v), multiply(multiply(subtract(one, beta2), g), g));
  const keep = subtract(one, multiply(learningRate, weightDecay));
  const rate = divide(learningRate, correction1);
  const correction = divide(one, squareRoot(correction2));
  const next = subtract(
    multiply(keep, p),
    divide(multiply(rate, first), add(multiply(squareRoot(second), correction), epsilon)),
  );
  return kernel(
    'AdamW',
    [...inputs, settings],
    [next, first, second].map((value) => cast(value, 'float32')),
  );
}
