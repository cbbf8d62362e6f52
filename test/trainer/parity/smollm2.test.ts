import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readModelDirectory } from '../../../trainer/checkpoint/model-directory.ts';
import type { Message } from '../../../trainer/contract/settings/dataset.ts';
import type { WriteTensors } from '../../../trainer/engine/backend.ts';
import { Engine } from '../../../trainer/engine/engine.ts';
import { type ModelConfig, parseHfConfig } from '../../../trainer/models/config.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { loadTokenizer, type Tokenizer } from '../../../trainer/tokenizers/tokenizer.ts';
import { namedParameters, nextTokenModel } from '../../support/whole-model.ts';
import { parametersOf } from '../../support/flat-parameters.ts';

interface Golden {
  readonly newTokens: number;
  readonly texts: readonly {
    readonly text: string;
    readonly ids: number[];
    /** Of each token after the first. */
    readonly log_prob: number[];
    /** At the last token. */
    readonly next: { readonly tokens: number[]; readonly logits: number[] };
  }[];
  readonly conversations: readonly {
    readonly messages: Message[];
    readonly ids: number[];
    readonly greedyIds: number[];
    readonly greedyText: string;
  }[];
}

/** What transformers computes; made by test/fixtures/smollm2/make_golden.py. */
const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/smollm2/golden.json', import.meta.url), 'utf8'),
) as Golden;

/** Directory made by examples/models/smollm2.sh. */
const smolLm2 = process.env['R1_SMOLLM2'];

/** Largest difference allowed beside the largest number of an array. Found: 2.3e-6. */
const tolerance = 1e-4;

(smolLm2 === undefined ? describe.skip : describe)('SmolLM2-135M-Instruct (skipped without R1_SMOLLM2=DIR)', () => {
  let tokenizer: Tokenizer;
  let config: ModelConfig;
  let engine: Engine;

  beforeAll(async () => {
    const model = await readModelDirectory(smolLm2!);
    tokenizer = await loadTokenizer(smolLm2!);
    config = parseHfConfig(model.config, smolLm2!);
    const parameters: WriteTensors = (memoryOf) => model.readParameters(parameterLayout(config, 'lm'), memoryOf);
    engine = await Engine.create({ config, head: 'lm', parameters, workers: 1 });
  });

  afterAll(async () => {
    await tokenizer?.close();
    await engine?.close();
  });

  test('gives every token of mixed texts the log-probability that transformers gives it', async () => {
    expect(golden.texts.map(({ text }) => tokenizer.encode(text))).toEqual(golden.texts.map(({ ids }) => ids));
    const sequences = golden.texts.map(({ ids }) => ({ promptIds: ids.slice(0, 1), completionIds: ids.slice(1) }));
    const probs = await engine.tokenProbabilities(sequences, { temperature: 1 });
    for (const [index, { log_prob: expected }] of golden.texts.entries()) {
      expect(difference(Array.from(probs[index]!, Math.log), expected)).toBeLessThan(tolerance);
    }
  });

  test('gives the logits of transformers for the next token', async () => {
    const parameters = namedParameters(config, 'lm', await parametersOf(engine));
    const [rows, length] = [golden.texts.length, Math.max(...golden.texts.map(({ ids }) => ids.length))];
    const prefill = await nextTokenModel(config, rows, length);
    const { prob } = await prefill({
      ...parameters,
      ids: golden.texts.flatMap(({ ids }) => [...ids, ...Array<number>(length - ids.length).fill(0)]),
      last: golden.texts.map(({ ids }, row) => row * length + ids.length - 1),
      inverseTemperature: [1],
    });
    for (const [row, { next }] of golden.texts.entries()) {
      const logProbs = next.tokens.map((token) => Math.log(prob![row * config.vocabularySize + token]!));
      // Log-probabilities are the logits up to a constant.
      const shift = mean(next.logits) - mean(logProbs);
      const logits = logProbs.map((value) => value + shift);
      expect(difference(logits, next.logits)).toBeLessThan(tolerance);
    }
  });

  test('answers conversations with the greedy text of transformers', async () => {
    const promptIds = golden.conversations.map(({ messages }) => tokenizer.encode(tokenizer.renderChat(messages)));
    expect(promptIds).toEqual(golden.conversations.map(({ ids }) => ids));
    const completions = await engine.generate(
      promptIds.map((ids) => ({
        promptIds: ids,
        key: [0, 0],
        sampling: { temperature: 0, topP: 1, topK: 0, maxNewTokens: golden.newTokens },
        stopIds: [...tokenizer.stopIds],
      })),
    );
    expect(completions.map(({ tokenIds }) => tokenIds)).toEqual(golden.conversations.map(({ greedyIds }) => greedyIds));
    expect(completions.map(({ tokenIds }) => tokenizer.decode(tokenIds))).toEqual(
      golden.conversations.map(({ greedyText }) => greedyText),
    );
  });
});

/** The largest difference of two arrays, relative to the largest number expected; NaN when the lengths differ. */
function difference(found: readonly number[], expected: readonly number[]): number {
  if (found.length !== expected.length) return NaN;
  const largest = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, index) => Math.abs(value - found[index]!))) / largest;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
