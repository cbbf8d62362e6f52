import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { continuationHere, type Continuation } from '../../support/continuation.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { runToResult } from '../../support/trainer.ts';

const directory = useTemporaryDirectory();

// A checkpoint that the trainer wrote, and what transformers makes of it; made by test/fixtures/trained/make.ts.
const fixture = join(import.meta.dirname, '../../fixtures/trained');
const golden = JSON.parse(readFileSync(join(fixture, 'golden.json'), 'utf8')) as {
  readonly tokens: number;
  readonly continuations: readonly ({ readonly prompt: string } & Continuation)[];
};

test('a model trained here goes on after prompts as it does in transformers', async () => {
  for (const { prompt, logProbs: expected, ...rest } of golden.continuations) {
    const { logProbs, ...found } = await continuationHere(fixture, prompt, golden.tokens);
    expect(found).toEqual(rest);
    const differences = expected.map((value, token) => Math.abs(value / logProbs[token]! - 1));
    expect(Math.max(...differences)).toBeLessThan(1e-4);
  }
});

test('the trainer still writes that model as transformers has opened it', async () => {
  const settings = { pretrain: { data: ['mixture'], steps: 1, batch: 4, learningRate: 0 } };
  const { checkpoint } = await runToResult(directory(), { name: 'again', settings, model: { path: fixture } });
  for (const name of ['model.safetensors', 'tokenizer.json', 'tokenizer_config.json']) {
    expect(await readFile(join(checkpoint!.path, name))).toEqual(await readFile(join(fixture, name)));
  }
  expect(await readJson(join(checkpoint!.path, 'config.json'))).toEqual(await readJson(join(fixture, 'config.json')));
});

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'));
}
