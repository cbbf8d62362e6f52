import { expect } from '@jest/globals';
import { pullback } from '../../../trainer/autodiff/reverse.ts';
import type { OnnxProgram } from '../../../trainer/graph/program.ts';
import { input, type Value } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { rotatedHeads } from '../../../trainer/nn/rotated-heads.ts';
import { rotaryTables } from '../../../trainer/nn/rotary.ts';
import { swiglu } from '../../../trainer/nn/swiglu.ts';
import { rmsNorm } from '../../../trainer/ops/normalization.ts';
import { indexTensor, type Tensor, type Tensors } from '../../../trainer/runtime/tensor.ts';
import { expectClose, onBoth, random, rowsOf, runOn } from '../../support/kernel-and-body.ts';
import { testWithOps } from '../../support/with-ops.ts';

/** What stands between a layer's products: each row's result is made of that row alone. */
interface RowOp {
  readonly name: string;
  /** Widths of the inputs with rows, and shapes of the parameters. */
  readonly rows: readonly number[];
  readonly parameters: readonly (readonly number[])[];
  readonly build: (...inputs: Value[]) => Value;
}

const positions = input('positions', ['m', 1], 'int64');
const furthest = 50;

function heads(count: number, headDim: number): RowOp[] {
  const tables = rotaryTables({ headDim, theta: 10_000 }, furthest);
  const rows = [count * headDim];
  const ofHeads = `${count} heads of ${headDim}`;
  return [
    { name: `rotation of ${ofHeads}`, rows, parameters: [], build: (x) => rotatedHeads(x, positions, tables) },
    {
      name: `norm and rotation of ${ofHeads}`,
      rows,
      parameters: [[headDim]],
      build: (x, weight) => rotatedHeads(x, positions, tables, { weight, epsilon: 1e-5 }),
    },
  ];
}

const ops: readonly RowOp[] = [
  ...[1, 7, 64, 333].map((d) => ({
    name: `RMSNorm of ${d}`,
    rows: [d],
    parameters: [[d]],
    build: (x: Value, weight: Value) => rmsNorm(x, weight, 1e-5),
  })),
  ...[1, 8, 75].map((f) => ({ name: `SwiGLU of ${f}`, rows: [f, f], parameters: [], build: swiglu })),
  ...heads(1, 12),
  ...heads(3, 64),
];

testWithOps.each(ops)('$name is that of its body, and so are its gradients', async (op) => {
  const { program, inputs } = withGradients(op, 70);
  const [kernels, bodies] = await onBoth(program, inputs);
  for (const name of program.outputs.map((output) => output.name)) expectClose(name, kernels[name], bodies[name]);
});

testWithOps.each(ops)('rows of $name do not depend on each other', async (op) => {
  const [count, { program, inputs }] = [5, withGradients(op, 5)];
  const whole = await runOn('ops', program, inputs);
  const ofRows = program.outputs.map(({ name }) => name).filter((name) => name === 'y' || name.startsWith('dx'));
  for (let row = 0; row < count; row++) {
    // oxlint-disable-next-line no-await-in-loop -- one row after the other
    const alone = await runOn('ops', program, onlyRow(inputs, row));
    for (const name of ofRows) {
      const { dims } = alone[name] as Tensor;
      expect(alone[name]).toEqual(rowsOf(whole[name] as Tensor, [row], dims));
    }
  }
});

/** y, the cotangents dx… and dp…, and the same added onto sums. */
function withGradients({ rows, parameters, build }: RowOp, m: number): { program: OnnxProgram; inputs: Tensors } {
  const xs = rows.map((width, index) => input(`x${index}`, ['m', width]));
  const ps = parameters.map((shape, index) => input(`p${index}`, shape));
  const y = build(...xs, ...ps);
  const g = input('g', y.shape);
  const sources = [...xs, ...ps];
  const sums = sources.map((source, index) => input(`sum${index}`, source.shape));
  const names = [...xs.map((_, index) => `dx${index}`), ...ps.map((_, index) => `dp${index}`)];
  const plain = pullback(new Map([[y, g]]), sources);
  const onto = pullback(
    new Map([[y, g]]),
    sources,
    new Map(sources.map((source, index) => [source, sums[index] as Value])),
  );
  const outputs = {
    y,
    ...Object.fromEntries(names.map((name, index) => [name, plain[index] as Value])),
    ...Object.fromEntries(names.map((name, index) => [`${name}.onto`, onto[index] as Value])),
  };
  const floats = [...sources, ...sums, g];
  const program = writeProgram([...floats, positions], outputs);
  const inputs = Object.fromEntries(
    floats.map(({ shape, source }, seed) => {
      const dims = shape.map((size) => (typeof size === 'number' ? size : m));
      return [source.kind === 'input' ? source.name : '', random(dims, seed)];
    }),
  );
  const rowNumbers = Array.from({ length: m }, (_, row) => row);
  return { program, inputs: { ...inputs, positions: positionsOf(rowNumbers) } };
}

function onlyRow(inputs: Tensors, row: number): Tensors {
  const { positions: all } = inputs;
  const count = (all as Tensor).dims[0] as number;
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => {
      if (name === 'positions') return [name, positionsOf([row])];
      if (name.startsWith('p') || tensor.dims[0] !== count) return [name, tensor];
      return [name, rowsOf(tensor, [row], [1, ...tensor.dims.slice(1)])];
    }),
  );
}

function positionsOf(rows: readonly number[]): Tensor {
  return indexTensor(
    Int32Array.from(rows, (row) => (7 * row) % furthest),
    [rows.length, 1],
  );
}
