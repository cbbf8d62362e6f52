import type { OnnxProgram } from '../graph/program.ts';
import { input, kernel } from '../graph/value.ts';
import { writeProgram } from '../graph/writer.ts';
import { multiply } from '../ops/elementwise.ts';
import { cast } from '../ops/movement.ts';
import { reduceSum } from '../ops/reduction.ts';

/** `sumOfSquares` as a program, in an order of its own: `x` [n] → `sum` [1], float64. */
export function sumOfSquaresProgram(): OnnxProgram {
  const x = input('x', ['n']);
  const wide = cast(x, 'float64');
  const [sum] = kernel('SumOfSquares', [x], [reduceSum(multiply(wide, wide), [0])]);
  return writeProgram([x], { sum: sum as NonNullable<typeof sum> });
}
