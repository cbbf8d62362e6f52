import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readModelDirectory } from '../../../trainer/checkpoint/model-directory.ts';
import type { WriteTensors } from '../../../trainer/engine/backend.ts';
import { Engine } from '../../../trainer/engine/engine.ts';
import { parseHfConfig } from '../../../trainer/models/config.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { useTokenizers } from '../../support/tokenizers.ts';

const greedy = { temperature: 0, topP: 1, topK: 0, maxNewTokens: 8 };

const loadTokenizer = useTokenizers();

test.each([
  { model: 'addformer', sign: '+', answer: (a: number, b: number) => `${a + b}` },
  { model: 'subformer', sign: '-', answer: (a: number, b: number) => (b <= a ? `${a - b}` : undefined) },
  { model: 'mulformer', sign: '*', answer: (a: number, b: number) => `${a * b}` },
  {
    model: 'divformer',
    sign: '/',
    answer: (a: number, b: number) => (b > 0 ? `Q${Math.floor(a / b)}R${a % b}` : undefined),
  },
])('$model answers every question as it does in transformers', async ({ model, sign, answer }) => {
  const directory = join('test/fixtures/mathformer', model);
  const tokenizer = await loadTokenizer(directory);
  const files = await readModelDirectory(directory);
  const config = parseHfConfig(files.config, directory);
  const parameters: WriteTensors = (memoryOf) => files.readParameters(parameterLayout(config, 'lm'), memoryOf);
  const engine = await Engine.create({ config, head: 'lm', parameters, workers: 1 });

  const questions = Array.from({ length: 100 }, (_, at) => [Math.floor(at / 10), at % 10] as const)
    .map(([a, b]) => ({ text: `${a}${sign}${b}=`, gold: answer(a, b) }))
    .filter(({ gold }) => gold !== undefined);
  const completions = await engine.generate(
    questions.map(({ text }) => ({
      promptIds: tokenizer.encode(text),
      key: [0, 0] as const,
      sampling: greedy,
      stopIds: [...tokenizer.stopIds],
    })),
  );
  await engine.close();

  const answers = completions.map(({ tokenIds }) => tokenizer.decode(tokenIds).trim());
  expect(answers).toEqual(questions.map(({ gold }) => gold));
});
