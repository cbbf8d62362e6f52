import { expect, test } from '@jest/globals';
import { WorkCount } from '../../../trainer/engine/work-count.ts';
import type { Head, ModelConfig } from '../../../trainer/models/config.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { adapters, tinyConfig } from '../../support/random-model.ts';

/** Weights in products of the layers, and of the table. */
function sizes(config: ModelConfig) {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, layers, vocabularySize } = config;
  const ofLayer = hiddenSize * headDim * (2 * heads + 2 * kvHeads) + 3 * hiddenSize * intermediateSize;
  return { layers: layers * ofLayer, table: vocabularySize * hiddenSize };
}

const tied = tinyConfig({ tiedEmbeddings: true });
const { layers, table } = sizes(tied);
const layout = (config: ModelConfig, head: Head = 'lm') => parameterLayout(config, head);
const matrices = ({ tensors }: ReturnType<typeof layout>) =>
  tensors.filter(({ name }) => name.includes('lora')).reduce((sum, { size }) => sum + size, 0);

test.each([
  { name: 'with the table of the head', of: layout(tied), weights: layers + table },
  {
    name: 'without the table that tokens are looked up in',
    of: layout(tinyConfig({ tiedEmbeddings: false })),
    weights: layers + table,
  },
  { name: 'of a reward model', of: layout(tied, 'scalar'), weights: layers + tied.hiddenSize },
])('a token takes 2 operations for each weight of a product $name, and 6 where it is trained', ({ of, weights }) => {
  const work = new WorkCount(of);
  work.forward(5);
  expect([work.tokens, work.flops]).toEqual([5, 5 * 2 * weights]);
  work.trained(7);
  expect([work.tokens, work.flops]).toEqual([12, (5 * 2 + 7 * 6) * weights]);
});

test('where adapters are trained the weights under them have no gradient', () => {
  const of = layout({ ...tied, lora: adapters(4) });
  const work = new WorkCount(of);
  work.trained(3);
  expect(work.flops).toBe(3 * (4 * (layers + table + matrices(of)) + 2 * matrices(of)));
});
