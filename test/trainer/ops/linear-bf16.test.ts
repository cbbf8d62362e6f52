import { expect, test } from '@jest/globals';
import { pullback } from '../../../trainer/autodiff/reverse.ts';
import { input, type Value } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { linear } from '../../../trainer/ops/linalg.ts';
import { openRuntime } from '../../../trainer/runtime/open-runtime.ts';
import type { RuntimeName } from '../../../trainer/runtime/runtime.ts';
import { floats, floatTensor, type Tensor, type Tensors } from '../../../trainer/runtime/tensor.ts';
import { halvesOf, rounded } from '../../support/bfloat16.ts';
import { tokenIds } from '../../support/random-model.ts';
import { runtimes } from '../../support/with-ops.ts';

/** Rows, inputs, outputs. */
const sizes = [
  [2, 5, 3],
  [7, 40, 33],
  [300, 20, 260],
] as const;
const cases = runtimes.flatMap((name) => sizes.map((size) => [name, ...size] as const));

test.each(cases)(
  'on %s a linear layer in bfloat16 of %i rows, %i to %i, and its gradients are those of rounded factors',
  async (name, m, k, n) => {
    const given = layer(m, k, n);
    const found = await run(name, given);
    const [x, w, g] = [rounded(given.x), rounded(given.w), rounded(given.g)];
    const [X, W, G, C] = [elementOf(x, k), elementOf(w, k), elementOf(g, n), elementOf(given.c, n)];
    expectClose(found.y, [m, n, k], (i, j, l) => X(i, l) * W(j, l), C);
    expectClose(found.dx, [m, k, n], (i, l, j) => G(i, j) * W(j, l));
    expectClose(found.dw, [n, k, m], (j, l, i) => G(i, j) * X(i, l), elementOf(given.sum, k));
    expect(found.dc).toEqual(given.g);
  },
);

test.each(runtimes)('on %s a row of a linear layer in bfloat16 does not depend on the others', async (name) => {
  const [m, k, n] = [9, 130, 50];
  const given = layer(m, k, n);
  const { y } = await run(name, given);
  for (let row = 0; row + 2 <= m; row++) {
    const two = (matrix: Float32Array, width: number) => matrix.slice(row * width, (row + 2) * width);
    // oxlint-disable-next-line no-await-in-loop -- one pair after the other
    const alone = await run(name, { ...given, x: two(given.x, k), c: two(given.c, n), g: two(given.g, n) });
    expect(alone.y).toEqual(two(y, n));
  }
});

function elementOf(matrix: Float32Array, width: number) {
  return (row: number, column: number) => matrix[row * width + column] as number;
}

function random(size: number, seed: number): Float32Array {
  return Float32Array.from(tokenIds(size, 100_003, seed), (id) => id / 50_000 - 1);
}

function layer(m: number, k: number, n: number) {
  return {
    k,
    n,
    x: random(m * k, 1),
    w: random(n * k, 2),
    c: random(m * n, 3),
    g: random(m * n, 4),
    sum: random(n * k, 5),
  };
}

async function run(name: RuntimeName, { k, n, x, w, c, g, sum }: ReturnType<typeof layer>) {
  const m = x.length / k;
  const [X, C, G] = [input('x', ['m', k]), input('c', ['m', n]), input('g', ['m', n])];
  const [W, Sum] = [input('w', [n, k], 'bfloat16'), input('sum', [n, k])];
  const y = linear(X, W, C);
  const [dx, dw, dc] = pullback(new Map([[y, G]]), [X, W, C], new Map([[W, Sum]])) as [Value, Value, Value];
  const program = writeProgram([X, W, C, G, Sum], { y, dx, dw, dc });
  const runtime = await openRuntime(name);
  const executable = await runtime.compile(program);
  const weight: Tensor = runtime.inPlace
    ? { type: 'bfloat16', dims: [n, k], data: halvesOf(w) }
    : floatTensor(w, [n, k]);
  const inputs: Tensors = {
    x: floatTensor(x, [m, k]),
    w: weight,
    c: floatTensor(c, [m, n]),
    g: floatTensor(g, [m, n]),
    sum: floatTensor(sum, [n, k]),
  };
  const outputs = await executable.run(inputs);
  await executable.release();
  return { y: floats(outputs, 'y'), dx: floats(outputs, 'dx'), dw: floats(outputs, 'dw'), dc: floats(outputs, 'dc') };
}

/** Within 1e-5 of the largest number: sums in float32 against double precision. */
function expectClose(
  found: Float32Array,
  [rows, columns, terms]: readonly [number, number, number],
  term: (row: number, column: number, at: number) => number,
  addend: (row: number, column: number) => number = () => 0,
): void {
  let [error, scale] = [0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = addend(row, column);
      for (let at = 0; at < terms; at++) sum += term(row, column, at);
      error = Math.max(error, Math.abs(sum - (found[row * columns + column] as number)));
      scale = Math.max(scale, Math.abs(sum));
    }
  }
  expect(found).toHaveLength(rows * columns);
  expect(error / scale).toBeLessThan(1e-5);
}
