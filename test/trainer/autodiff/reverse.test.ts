import { expect, test } from '@jest/globals';
import { gradients } from '../../../trainer/autodiff/reverse.ts';
import { type Node, type Value, composite, input, integers } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { add, multiply } from '../../../trainer/ops/elementwise.ts';
import { gatherRows } from '../../../trainer/ops/indexing.ts';
import { gemm } from '../../../trainer/ops/linalg.ts';
import { slice } from '../../../trainer/ops/movement.ts';
import { sum } from '../../../trainer/ops/reduction.ts';
import { gradientErrors } from '../../support/gradient-check.ts';
import { runProgram } from '../../support/run-program.ts';

test('a value that is used several times gathers all of its cotangents', async () => {
  const errors = await gradientErrors({
    inputs: [
      [2, 2],
      [2, 2],
    ],
    build: (x, weight) => {
      const y = gemm(x, weight, { c: x });
      return add(multiply(y, y), gemm(y, weight, { transB: true }));
    },
  });
  expect(Math.max(...errors)).toBeLessThan(1e-3);
});

test('sums of gradients go into the products and scatters that make them, not into ops of their own', () => {
  const table = input('table', [4, 3]);
  const rows = gatherRows(table, integers([1, 3]));
  const twice = gatherRows(table, integers([3, 0]));
  const logits = gemm(add(rows, twice), table, { transB: true });
  const [gradient] = gradients(sum(multiply(logits, logits)), [table]);
  const ops = opsOf(gradient as Value);
  expect(ops.filter((op) => op === 'ScatterND')).toHaveLength(1);
  expect(ops.filter((op) => op === 'Add')).toHaveLength(2); // rows + twice, and the two cotangents of the square

  const [x, a, b] = [input('x', [2, 3]), input('a', [3, 3]), input('b', [3, 3])];
  const products = multiply(gemm(x, a), gemm(x, b));
  const [ofX] = gradients(sum(products), [x]);
  expect(opsOf(ofX as Value)).not.toContain('Add');
});

test('a composite is differentiated by its own rule', async () => {
  const x = input('x', [2]);
  const [y] = composite('Twice', [x], [add(x, x)], (g) => (g ? [multiply(g, multiply(x, x))] : []));
  const [g] = gradients(sum(y as Value), [x]);
  const results = await runProgram(writeProgram([x], { y: y as Value, g: g as Value }), { x: [3, 5] });
  expect(results).toEqual({ y: Float32Array.of(6, 10), g: Float32Array.of(9, 25) });
});

test('a loss that misses a parameter, or reaches it only through an op without a gradient, is refused', () => {
  const [x, unused] = [input('x', [3]), input('unused', [3])];
  expect(() => gradients(sum(x), [x, unused])).toThrow('the loss does not depend on unused');
  expect(() => gradients(sum(slice(x, 0, 0, 2)), [x])).toThrow('Slice has no gradient');
  expect(() => gradients(x, [x])).toThrow('expected []');
});

/** Every op that a value depends on. */
function opsOf(value: Value): string[] {
  const nodes = new Set<Node>();
  const visit = ({ source }: Value): void => {
    if (source.kind !== 'node' || nodes.has(source.node)) return;
    nodes.add(source.node);
    for (const operand of source.node.inputs) if (operand !== undefined) visit(operand);
  };
  visit(value);
  return [...nodes].map((node) => node.op);
}
