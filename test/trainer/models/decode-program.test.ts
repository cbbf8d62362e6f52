import { expect, test } from '@jest/globals';
import onnxProto from 'onnx-proto';
import type { OnnxProgram, Port } from '../../../trainer/graph/program.ts';
import type { ModelConfig } from '../../../trainer/models/config.ts';
import { cacheBlock, decodeProgram } from '../../../trainer/models/programs.ts';
import { indexTensor, type Tensors } from '../../../trainer/runtime/tensor.ts';
import { expectClose, onBoth, random, runOn } from '../../support/kernel-and-body.ts';
import { adapters, tinyConfig } from '../../support/random-model.ts';
import { testWithOps } from '../../support/with-ops.ts';

const everyBias = { family: 'llama', attentionBias: true, outputBias: true, mlpBias: true } as const;

test.each<[string, Partial<ModelConfig>, string[]]>([
  ['a layer is one op', {}, ['DecodeLayer', 'DecodeLayer']],
  ['so it is in bf16', { precision: 'bf16' }, ['DecodeLayerBf16', 'DecodeLayerBf16']],
  ['with adapters it is the ops that it is made of', { lora: adapters(2) }, []],
])('%s', (_, changes, expected) => {
  const { bytes } = decodeProgram(tinyConfig(changes));
  const nodes = onnxProto.onnx.ModelProto.decode(bytes).graph?.node?.map(({ opType }) => opType ?? '');
  expect(nodes?.filter((op) => op.startsWith('DecodeLayer'))).toEqual(expected);
});

testWithOps.each<[string, Partial<ModelConfig>, boolean]>([
  ['qwen3', {}, false],
  ['qwen3, multi-head, odd sizes', { kvHeads: 4, headDim: 12, hiddenSize: 40, intermediateSize: 56 }, false],
  ['qwen2, one key head', { family: 'qwen2', kvHeads: 1 }, false],
  ['llama with every bias', everyBias, false],
  ['llama, weights in panels where they can be', { family: 'llama', intermediateSize: 50 }, true],
  ['llama with every bias, all weights in panels', { ...everyBias, headDim: 16 }, true],
])('the op gives what the function of its name does: %s', async (_, changes, packed) => {
  const program = decodeProgram(tinyConfig(changes), packed);
  const [kernels, bodies] = await onBoth(program, feeds(program));
  for (const { name } of program.outputs) expectClose(name, kernels[name], bodies[name]);
});

testWithOps.each([
  ['positions', indexTensor([3, 32], [2, 1]), 'input positions: found 32, expected 0 to 31'],
  ['table', indexTensor([1, 2, 3, 6], [2, 2]), 'input table: found 6, expected 0 to 5'],
] as const)('it names what it refuses: %s', async (name, tensor, message) => {
  const program = decodeProgram(tinyConfig());
  await expect(runOn('ops', program, { ...feeds(program), [name]: tensor })).rejects.toThrow(`DecodeLayer: ${message}`);
});

/** Two tokens of sequences with two blocks each, of six. */
function feeds(program: OnnxProgram): Tensors {
  const { inputs } = program;
  const { shape: layer0 } = inputs.find(({ name }) => name === 'values.0') as Port;
  const headDim = layer0[1] as number;
  const keyOutputs = sizeOfKeys(inputs);
  const lines = (6 * cacheBlock * keyOutputs) / headDim;
  const sizes: Readonly<Record<string, number>> = { B: 2, N: 2, K: lines * headDim, C: lines };
  const given: Tensors = {
    ids: indexTensor([5, 7], [2]),
    positions: indexTensor([3, 20], [2, 1]),
    table: indexTensor([1, 2, 3, 4], [2, 2]),
  };
  return Object.fromEntries(
    inputs.map(({ name, shape }, seed) => {
      const dims = shape.map((size) => (typeof size === 'number' ? size : (sizes[size] as number)));
      return [name, given[name] ?? random(dims, seed)];
    }),
  );
}

/** Rows of a layer's weights for keys, be they in panels of 16 or not. */
function sizeOfKeys(inputs: readonly Port[]): number {
  const { shape } = inputs.find(({ name }) => name === 'model.layers.0.self_attn.k_proj.weight') as Port;
  return (shape[0] as number) * (shape.length === 3 ? (shape[2] as number) : 1);
}
