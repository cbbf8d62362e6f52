import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readModelDirectory } from '../../trainer/checkpoint/model-directory.ts';
import { mostShardBytes } from '../../trainer/checkpoint/plan-shards.ts';
import { writeModelDirectory } from '../../trainer/checkpoint/write-model-directory.ts';
import { modelInit } from '../../trainer/contract/settings/model.ts';
import { loraTargets } from '../../trainer/contract/settings/training.ts';
import { configFromInit, toHfConfig } from '../../trainer/models/config.ts';
import { exportModel } from '../../trainer/stages/policy/export-model.ts';
import { parameterLayout } from '../../trainer/models/parameters.ts';
import { writeByteTokenizer } from '../../trainer/tokenizers/byte-tokenizer.ts';
import { useTokenizers } from '../support/tokenizers.ts';
import { continuationHere, continuationInTransformers, openInTransformers } from '../support/continuation.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { pin, runToResult } from '../support/trainer.ts';
import { freshParameters, placeIn, readFlat } from '../support/flat-parameters.ts';

const directory = useTemporaryDirectory();

/** A Python with torch and transformers. */
const python = process.env['R1_PYTHON'];

const testInPython = python === undefined ? test.skip : test;

const loadTokenizer = useTokenizers();

describe('a directory written here opens in transformers with equal weights (skipped without R1_PYTHON)', () => {
  testInPython.each([
    { architecture: 'llama', head: 'lm', shardBytes: mostShardBytes },
    { architecture: 'qwen2', head: 'lm', shardBytes: mostShardBytes },
    { architecture: 'qwen3', head: 'lm', shardBytes: mostShardBytes },
    { architecture: 'qwen3', head: 'scalar', shardBytes: mostShardBytes },
    { architecture: 'qwen3', head: 'lm', shardBytes: 40_000 },
  ] as const)(
    '$architecture with head $head, files of at most $shardBytes bytes',
    async ({ architecture, head, shardBytes }) => {
      const [bytes, model] = [join(directory(), 'bytes'), join(directory(), 'model')];
      await writeByteTokenizer(bytes);
      const tokenizer = await loadTokenizer(bytes);
      const config = configFromInit(
        modelInit.parse({ architecture, hiddenSize: 32, layers: 2 }),
        tokenizer.vocabularySize,
      );
      const layout = parameterLayout(config, head);
      const parameters = freshParameters(layout, config, 7);
      const hfConfig = toHfConfig(config, { eosTokenId: tokenizer.stopIds, padTokenId: tokenizer.padId, head });
      await writeModelDirectory(
        model,
        { hfConfig, layout, valuesOf: placeIn(parameters), tokenizerFrom: bytes },
        shardBytes,
      );

      const prompt = tokenizer.renderChat([{ role: 'user', content: '3 + 4 = ?' }]);
      const opened = await openInTransformers(python!, model, prompt, 4);
      expect(opened.ids).toEqual(tokenizer.encode(prompt));
      expect(opened.tensors).toEqual(
        Object.fromEntries(
          layout.tensors.map(({ name, offset, size }) => [name, sha256(parameters.subarray(offset, offset + size))]),
        ),
      );
      expect(await readFlat(await readModelDirectory(model), layout)).toEqual(parameters);
    },
  );
});

testInPython('a model trained here goes on in transformers as it does here (skipped without R1_PYTHON)', async () => {
  const settings = { pretrain: { data: ['mixture'], steps: 30, batch: 32, learningRate: 5e-3 } };
  const { checkpoint } = await runToResult(directory(), { name: 'base', settings });
  const { renderChat } = await loadTokenizer(checkpoint!.path);
  const prompt = renderChat([{ role: 'user', content: 'What is 3 + 4?' }]);
  const { logProbs: expected, ...rest } = await continuationInTransformers(python!, checkpoint!.path, prompt, 32);
  const { logProbs, ...found } = await continuationHere(checkpoint!.path, prompt, 32);
  expect(found).toEqual(rest);
  expect(rest.greedyIds.length).toBeGreaterThan(0);
  const differences = expected.map((value, token) => Math.abs(value / logProbs[token]! - 1));
  expect(Math.max(...differences)).toBeLessThan(1e-4);
});

testInPython.each([
  { architecture: 'llama', targets: [...loraTargets] },
  { architecture: 'qwen2', targets: ['q_proj', 'v_proj', 'down_proj'] },
  { architecture: 'qwen3', targets: [...loraTargets] },
] as const)(
  '$architecture: adapters of $targets give in peft, on their base, what they give merged and exported, here and there (skipped without R1_PYTHON)',
  async ({ architecture, targets }) => {
    const root = directory();
    const init = { architecture, hiddenSize: 32, layers: 2, heads: 2, kvHeads: 1, maxLength: 128 };
    const pretrain = { data: ['mixture'], steps: 30, batch: 32, learningRate: 5e-3 };
    const base = await runToResult(root, { name: 'base', model: { init }, settings: { pretrain } });
    const sft = { data: ['mixture'], batch: 32, learningRate: 1e-2, lora: { rank: 4, targets } };
    const model = { input: await pin(root, 'base') };
    const { path } = (await runToResult(root, { name: 'adapted', model, settings: { sft } })).checkpoint!;
    const exported = join(root, 'exported');
    await exportModel(path, exported, 'f32');
    const { renderChat } = await loadTokenizer(path);
    const prompt = renderChat([{ role: 'user', content: 'What is 3 + 4?' }]);
    const { logProbs, ...here } = await continuationHere(path, prompt, 32);
    const before = await continuationHere(base.checkpoint!.path, prompt, 32);
    expect(largestDifference(logProbs, before.logProbs)).toBeGreaterThan(0.01);
    for (const [opened, adapter] of [
      [exported, undefined],
      [base.checkpoint!.path, join(path, 'adapter')],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one Python at a time
      const there = await continuationInTransformers(python!, opened, prompt, 32, adapter);
      expect(largestDifference(logProbs, there.logProbs)).toBeLessThan(1e-4);
      expect({ ...there, logProbs: undefined }).toEqual({ ...here, logProbs: undefined });
    }
  },
);

testInPython('a model exported in bfloat16 gives there what it gives here (skipped without R1_PYTHON)', async () => {
  const exported = join(directory(), 'exported');
  await exportModel(join(import.meta.dirname, '../fixtures/trained'), exported, 'bf16');
  const { logProbs, ...here } = await continuationHere(exported, '3 + 4 =', 16);
  const { logProbs: expected, ...there } = await continuationInTransformers(python!, exported, '3 + 4 =', 16);
  expect(there).toEqual(here);
  expect(largestDifference(logProbs, expected)).toBeLessThan(1e-4);
});

function largestDifference(found: readonly number[], expected: readonly number[]): number {
  return Math.max(...expected.map((value, token) => Math.abs(value - found[token]!)));
}

function sha256(values: Float32Array): string {
  return createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');
}
