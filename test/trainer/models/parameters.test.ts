import { expect, test } from '@jest/globals';
import { withoutAdapters } from '../../../trainer/models/config.ts';
import { parameterLayout, trainedLayout } from '../../../trainer/models/parameters.ts';
import { tinyConfig } from '../../support/random-model.ts';
import { freshParameters } from '../../support/flat-parameters.ts';

test('parameters lie one behind the other, under the names of the checkpoint', () => {
  const { tensors, size } = parameterLayout(tinyConfig({ layers: 1 }), 'lm');
  expect(tensors.map(({ name, shape, decay }) => `${name} ${shape.join('×')}${decay ? ' decays' : ''}`)).toEqual([
    'model.embed_tokens.weight 50×32 decays',
    'model.layers.0.input_layernorm.weight 32',
    'model.layers.0.self_attn.q_proj.weight 32×32 decays',
    'model.layers.0.self_attn.k_proj.weight 16×32 decays',
    'model.layers.0.self_attn.v_proj.weight 16×32 decays',
    'model.layers.0.self_attn.q_norm.weight 8',
    'model.layers.0.self_attn.k_norm.weight 8',
    'model.layers.0.self_attn.o_proj.weight 32×32 decays',
    'model.layers.0.post_attention_layernorm.weight 32',
    'model.layers.0.mlp.gate_proj.weight 48×32 decays',
    'model.layers.0.mlp.up_proj.weight 48×32 decays',
    'model.layers.0.mlp.down_proj.weight 32×48 decays',
    'model.norm.weight 32',
  ]);
  let end = 0;
  for (const tensor of tensors) {
    expect(tensor.offset).toBe(end);
    end += tensor.size;
  }
  expect(size).toBe(end);
});

test('families and heads add their own tensors', () => {
  const qwen2 = names(tinyConfig({ family: 'qwen2', tiedEmbeddings: false }), 'lm');
  expect(qwen2.filter((name) => name.endsWith('.bias'))).toHaveLength(6);
  expect(qwen2.at(-1)).toBe('lm_head.weight');
  expect(names(tinyConfig({ family: 'llama', tiedEmbeddings: false }), 'scalar').at(-1)).toBe('score.weight');
});

test('adapters come last, and they alone are trained, with the head of a reward model', () => {
  const config = tinyConfig({ layers: 1, lora: { rank: 4, alpha: 8, targets: ['v_proj', 'down_proj'] } });
  const layout = parameterLayout(config, 'scalar');
  const trained = trainedLayout(layout);
  expect(trained.tensors.map(({ name, shape, offset }) => `${offset} ${name} ${shape.join('×')}`)).toEqual([
    '0 score.weight 1×32',
    '32 model.layers.0.self_attn.v_proj.lora_A.weight 4×32',
    '160 model.layers.0.self_attn.v_proj.lora_B.weight 16×4',
    '224 model.layers.0.mlp.down_proj.lora_A.weight 4×48',
    '416 model.layers.0.mlp.down_proj.lora_B.weight 32×4',
  ]);
  expect(trained.size).toBe(544);
  const whole = parameterLayout(withoutAdapters(config), 'scalar');
  expect(layout.tensors.slice(0, -5)).toEqual(whole.tensors.slice(0, -1).map((each) => ({ ...each, trained: false })));
  expect(trainedLayout(whole)).toEqual(whole);
});

test('a fresh adapter adds nothing: A is uniform within one over the root of its inputs, B is zero', () => {
  const config = tinyConfig({ hiddenSize: 256, layers: 1, lora: { rank: 16, alpha: 8, targets: ['q_proj'] } });
  const layout = parameterLayout(config, 'lm');
  const parameters = freshParameters(layout, config, 7).subarray(layout.frozen);
  const [a, b] = trainedLayout(layout).tensors.map(({ offset, size }) => parameters.subarray(offset, offset + size));
  expect(new Set(b)).toEqual(new Set([0]));
  const bound = 1 / Math.sqrt(256);
  const variance = a!.reduce((sum, value) => sum + value * value, 0) / a!.length;
  expect(Math.max(...a!.map(Math.abs))).toBeLessThanOrEqual(bound);
  expect(Math.max(...a!)).toBeGreaterThan(0.99 * bound);
  expect(Math.min(...a!)).toBeLessThan(-0.99 * bound);
  expect(Math.sqrt(variance)).toBeCloseTo(bound / Math.sqrt(3), 3);
  expect(freshParameters(layout, config, 8).subarray(layout.frozen)).not.toEqual(parameters);
});

test('fresh matrices are normal, norms one, biases zero, and the seed decides', () => {
  const config = tinyConfig({ family: 'qwen2', vocabularySize: 400, hiddenSize: 64, initializerRange: 0.02 });
  const layout = parameterLayout(config, 'lm');
  const parameters = freshParameters(layout, config, 7);
  const tensor = (name: string): Float32Array => {
    const found = layout.tensors.find((candidate) => candidate.name === name);
    return parameters.subarray(found?.offset, (found?.offset ?? 0) + (found?.size ?? 0));
  };
  const embedding = tensor('model.embed_tokens.weight');
  const mean = embedding.reduce((sum, value) => sum + value, 0) / embedding.length;
  const variance = embedding.reduce((sum, value) => sum + value * value, 0) / embedding.length;
  const kurtosis = embedding.reduce((sum, value) => sum + value ** 4, 0) / embedding.length / variance ** 2;
  expect(Math.abs(mean)).toBeLessThan(0.0005);
  expect(Math.sqrt(variance)).toBeCloseTo(0.02, 3);
  expect(kurtosis).toBeCloseTo(3, 0);
  expect(new Set(tensor('model.norm.weight'))).toEqual(new Set([1]));
  expect(new Set(tensor('model.layers.0.self_attn.q_proj.bias'))).toEqual(new Set([0]));

  expect(freshParameters(layout, config, 7)).toEqual(parameters);
  expect(freshParameters(layout, config, 8)).not.toEqual(parameters);
  expect(tensor('model.layers.0.mlp.up_proj.weight').subarray(0, 9)).not.toEqual(embedding.subarray(0, 9));
});

function names(...given: Parameters<typeof parameterLayout>): string[] {
  return parameterLayout(...given).tensors.map(({ name }) => name);
}
