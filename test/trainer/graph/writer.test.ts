import { expect, test } from '@jest/globals';
import onnxProto from 'onnx-proto';
import { constant, input, scalar } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { add, multiply, negate } from '../../../trainer/ops/elementwise.ts';
import { runProgram } from '../../support/run-program.ts';

test('only what the outputs depend on is written', () => {
  const [x, y, unused] = [input('x', [2]), input('y', [2]), input('unused', [2])];
  multiply(x, unused);
  const program = writeProgram([x, y, unused], { sum: add(x, y) });
  expect(program.inputs).toEqual([
    { name: 'x', type: 'float32', shape: [2] },
    { name: 'y', type: 'float32', shape: [2] },
  ]);
  expect(program.outputs).toEqual([{ name: 'sum', type: 'float32', shape: [2] }]);
  expect(graphOf(program.bytes).node?.map(({ opType }) => opType)).toEqual(['Add']);
});

test('an output may be an input, a constant, or a value under two names', async () => {
  const x = input('x', [2]);
  const y = negate(x);
  const program = writeProgram([x], { x2: x, c: constant(Float32Array.of(7), [1]), y, again: y });
  const negative = Float32Array.of(-1, -2);
  expect(await runProgram(program, { x: [1, 2] })).toEqual({
    x2: Float32Array.of(1, 2),
    c: Float32Array.of(7),
    y: negative,
    again: negative,
  });
});

test('equal constants are written once, and the same graph always gives the same bytes', () => {
  expect(graphOf(doubledPlusTwo()).initializer).toHaveLength(1);
  expect(doubledPlusTwo()).toEqual(doubledPlusTwo());
});

test('a symbolic dimension takes any size', async () => {
  const x = input('x', ['B', 2]);
  const program = writeProgram([x], { y: negate(x) });
  expect(program.outputs[0]?.shape).toEqual(['B', 2]);
  expect(await runProgram(program, { x: [1, 2, 3, 4] }, { B: 2 })).toEqual({ y: Float32Array.of(-1, -2, -3, -4) });
});

function doubledPlusTwo(): Uint8Array {
  const x = input('x', ['B', 2]);
  return writeProgram([x], { y: add(multiply(x, scalar(2)), scalar(2)) }).bytes;
}

function graphOf(bytes: Uint8Array) {
  const { graph } = onnxProto.onnx.ModelProto.decode(bytes);
  if (!graph) throw new Error('no graph');
  return graph;
}
