import { expect, test } from '@jest/globals';
import onnxProto from 'onnx-proto';
import { composite, constant, input, kernel, scalar, type Value } from '../../../trainer/graph/value.ts';
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

test('a kernel is one node, whose function computes what its body says', async () => {
  const x = input('x', [2]);
  const [y] = square(negate(x));
  const program = writeProgram([x], { y: y as Value });
  expect(graphOf(program.bytes).node?.map(({ domain, opType }) => [domain, opType])).toEqual([
    ['', 'Neg'],
    ['r1.ops', 'Square'],
  ]);
  expect(await runProgram(program, { x: [1, 3] })).toEqual({ y: Float32Array.of(1, 9) });
});

test('an optional input of a kernel that is missing keeps its place', async () => {
  const [x, y] = [input('x', [2]), input('y', [2])];
  const [z] = kernel('Third', [x, undefined, y], [add(x, y)]);
  const program = writeProgram([x, y], { z: z as Value });
  expect(graphOf(program.bytes).node?.map((node) => node.input)).toEqual([['x', '', 'y']]);
  expect(await runProgram(program, { x: [1, 3], y: [10, 20] })).toEqual({ z: Float32Array.of(11, 23) });
});

test('kernels of one name share a function where their bodies are equal, and have their own where not', async () => {
  const [x, y] = [input('x', [2]), input('y', [2])];
  const addTwice = (term: number) => kernel('AddTwice', [x], [add(add(x, scalar(term)), scalar(term))]);
  const outputs = [square(x), square(y), addTwice(1), addTwice(2)].map(([value]) => value as Value);
  const program = writeProgram([x, y], Object.fromEntries(outputs.map((value, index) => [`o${index}`, value])));
  expect(onnxProto.onnx.ModelProto.decode(program.bytes).functions).toHaveLength(3);
  expect(await runProgram(program, { x: [1, 2], y: [3, 4] })).toEqual({
    o0: Float32Array.of(1, 4),
    o1: Float32Array.of(9, 16),
    o2: Float32Array.of(3, 4),
    o3: Float32Array.of(5, 6),
  });
});

test('a kernel may be made of others, read what a composite made, and put out what it was given', async () => {
  const x = input('x', [2]);
  const [tripled] = composite('Tripled', [x], [add(add(x, x), x)], () => []) as [Value];
  const [inner] = square(tripled);
  const outputs = kernel('Outer', [tripled], [add(inner as Value, tripled), tripled, scalar(5)]);
  const [sum, same, five] = outputs as [Value, Value, Value];
  expect(await runProgram(writeProgram([x], { sum, same, five }), { x: [1, 2] })).toEqual({
    sum: Float32Array.of(12, 42),
    same: Float32Array.of(3, 6),
    five: Float32Array.of(5),
  });
});

test('a kernel whose body reads anything but its inputs is refused', () => {
  const [x, y] = [input('x', [2]), input('y', [2])];
  const [z] = kernel('Leaky', [x], [add(x, y)]);
  expect(() => writeProgram([x, y], { z: z as Value })).toThrow('Leaky: its body reads y, which is none of its inputs');
});

function square(x: Value): Value[] {
  return kernel('Square', [x], [multiply(x, x)]);
}

function doubledPlusTwo(): Uint8Array {
  const x = input('x', ['B', 2]);
  return writeProgram([x], { y: add(multiply(x, scalar(2)), scalar(2)) }).bytes;
}

function graphOf(bytes: Uint8Array) {
  const { graph } = onnxProto.onnx.ModelProto.decode(bytes);
  if (!graph) throw new Error('no graph');
  return graph;
}
