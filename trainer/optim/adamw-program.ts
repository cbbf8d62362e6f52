import type { OnnxProgram } from '../graph/program.ts';
import { type Value, input, integers, kernel } from '../graph/value.ts';
import { writeProgram } from '../graph/writer.ts';
import { cast } from '../ops/movement.ts';
import { add, divide, multiply, squareRoot, subtract } from '../ops/elementwise.ts';
import { gatherRows } from '../ops/indexing.ts';
import { adamwFactorCount } from './adamw.ts';

/**
 * `adamw` as a program: `parameters`, `m`, `v`, `gradient` [n] and `factors` [9] → `next.parameters`, `next.m`, `next.v` [n]. Outputs may lie
 * in the memory of the inputs. It computes in float32, as PyTorch does; the loop differs from it by rounding, for rounding each
 * operation would take JavaScript twice the time.
 *
 * @param rounds whether it also puts out `rounded` [n], the parameters in bfloat16
 */
export function adamwProgram(rounds = false): OnnxProgram {
  const inputs = ['parameters', 'm', 'v', 'gradient'].map((name) => input(name, ['n']));
  const factors = input('factors', [adamwFactorCount]);
  const state = [...inputs, factors];
  const next = updated(inputs as [Value, Value, Value, Value], factors);
  const outputs = rounds
    ? kernel('AdamWRounded', state, [...next, cast(next[0] as Value, 'bfloat16')])
    : kernel('AdamW', state, next);
  const [parameters, m, v, rounded] = outputs as [Value, Value, Value, Value?];
  return writeProgram(state, {
    'next.parameters': parameters,
    'next.m': m,
    'next.v': v,
    ...(rounded && { rounded }),
  });
}

function updated([p, m, v, gradient]: readonly [Value, Value, Value, Value], factors: Value): Value[] {
  const [scale, beta1, rest1, beta2, rest2, decay, rate, correction, epsilon] = Array.from(
    { length: adamwFactorCount },
    (_, index) => gatherRows(factors, integers([index])),
  ) as [Value, Value, Value, Value, Value, Value, Value, Value, Value];

  const g = multiply(gradient, scale);
  const first = add(multiply(beta1, m), multiply(rest1, g));
  const second = add(multiply(beta2, v), multiply(multiply(rest2, g), g));
  const root = add(multiply(squareRoot(second), correction), epsilon);
  const next = subtract(p, add(multiply(decay, p), divide(multiply(rate, first), root)));
  return [next, first, second];
}
