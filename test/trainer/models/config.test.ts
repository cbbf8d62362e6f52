import { expect, test } from '@jest/globals';
import { modelInit } from '../../../trainer/contract/settings/model.ts';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { configFromInit, parseHfConfig, toHfConfig } from '../../../trainer/models/config.ts';
import { tinyConfig } from '../../support/random-model.ts';

/** The keys without which a config is no model. */
const smallest = {
  model_type: 'llama',
  vocab_size: 100,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
};

test('Llama 3.2 as transformers 4 writes it', () => {
  const config = {
    ...smallest,
    num_key_value_heads: 2,
    head_dim: 8,
    rms_norm_eps: 1e-5,
    rope_theta: 500000.0,
    rope_scaling: {
      factor: 32.0,
      high_freq_factor: 4.0,
      low_freq_factor: 1.0,
      original_max_position_embeddings: 8192,
      rope_type: 'llama3',
    },
    max_position_embeddings: 131072,
    tie_word_embeddings: true,
    attention_bias: false,
    hidden_act: 'silu',
    mlp_bias: false,
  };
  expect(parseHfConfig(config, 'config.json')).toEqual({
    family: 'llama',
    vocabularySize: 100,
    hiddenSize: 32,
    intermediateSize: 64,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 8,
    ropeTheta: 500_000,
    ropeScaling: { factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxLength: 8192 },
    normEpsilon: 1e-5,
    tiedEmbeddings: true,
    qkNorm: false,
    attentionBias: false,
    outputBias: false,
    mlpBias: false,
    maxLength: 131_072,
    initializerRange: 0.02,
  });
});

test('absent keys have the defaults of transformers; RoPE may stand in rope_parameters, as transformers 5 writes it', () => {
  expect(parseHfConfig(smallest, 'config.json')).toMatchObject({
    kvHeads: 4,
    headDim: 8,
    ropeTheta: 10_000,
    maxLength: 2048,
  });
  const qwen3 = { ...smallest, model_type: 'qwen3', rope_parameters: { rope_theta: 1e6, rope_type: 'default' } };
  expect(parseHfConfig(qwen3, 'config.json')).toMatchObject({
    headDim: 128,
    ropeTheta: 1e6,
    qkNorm: true,
    attentionBias: false,
  });
  const qwen2 = { ...smallest, model_type: 'qwen2', rope_scaling: null };
  expect(parseHfConfig(qwen2, 'config.json')).toMatchObject({ headDim: 8, qkNorm: false, attentionBias: true });
});

test.each<[problem: string, json: unknown, message: string]>([
  ['no object', [], 'config.json: found [], expected an object'],
  [
    'another family',
    { ...smallest, model_type: 'gpt2' },
    'model_type: found "gpt2", expected one of llama, qwen2, qwen3',
  ],
  ['a missing size', { ...smallest, hidden_size: undefined }, 'hidden_size: missing'],
  [
    'a size that is no number',
    { ...smallest, vocab_size: '100' },
    'vocab_size: found "100", expected a positive integer',
  ],
  ['a fractional head', { ...smallest, hidden_size: 30 }, 'head_dim: found 7.5, expected a positive integer'],
  ['an odd head', { ...smallest, head_dim: 7 }, 'head_dim: found 7, expected an even number'],
  ['uneven groups', { ...smallest, num_key_value_heads: 3 }, 'num_key_value_heads: found 3, expected a divisor of'],
  ['another activation', { ...smallest, hidden_act: 'gelu' }, 'hidden_act: found "gelu", supported: silu'],
  [
    'a sliding window',
    { ...smallest, model_type: 'qwen2', use_sliding_window: true },
    'use_sliding_window: found true',
  ],
  [
    'a bias that Qwen3 does not have',
    { ...smallest, model_type: 'qwen3', mlp_bias: true },
    'mlp_bias: found true, supported: false',
  ],
  ['a bias that is no flag', { ...smallest, attention_bias: 'yes' }, 'attention_bias: found "yes", expected true or'],
  [
    'another RoPE',
    { ...smallest, rope_scaling: { type: 'yarn' } },
    'rope_scaling: type: found "yarn", expected one of',
  ],
  ['RoPE without its factor', { ...smallest, rope_scaling: { rope_type: 'llama3' } }, 'rope_scaling: factor: missing'],
])('%s is refused by name', (_, json, message) => {
  expect(() => parseHfConfig(json, 'config.json')).toThrow(UserError);
  expect(() => parseHfConfig(json, 'config.json')).toThrow(message);
});

test.each([
  tinyConfig({
    family: 'llama',
    tiedEmbeddings: false,
    ropeScaling: { factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxLength: 64 },
  }),
  tinyConfig({ family: 'llama', attentionBias: true, outputBias: true, mlpBias: true }),
  tinyConfig({ family: 'qwen2' }),
  tinyConfig({ family: 'qwen3', headDim: 16 }),
])('a written config reads as it was: $family', (config) => {
  const json: unknown = JSON.parse(JSON.stringify(toHfConfig(config, { eosTokenId: 2, padTokenId: 0, head: 'lm' })));
  expect(parseHfConfig(json, 'config.json')).toEqual(config);
  expect(toHfConfig(config, { eosTokenId: 2, head: 'scalar' })).toMatchObject({
    architectures: [expect.stringContaining('ForSequenceClassification')],
    id2label: { 0: 'reward' },
  });
});

test('a fresh model has the sizes of its manifest', () => {
  const init = modelInit.parse({ hiddenSize: 64, heads: 2, kvHeads: 1 });
  expect(configFromInit(init, 300)).toMatchObject({
    family: 'qwen3',
    vocabularySize: 300,
    hiddenSize: 64,
    intermediateSize: 192,
    headDim: 32,
    qkNorm: true,
    tiedEmbeddings: true,
  });
});
