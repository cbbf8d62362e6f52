import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { readModelDirectory, writeModelDirectory } from '../../trainer/checkpoint/model-directory.ts';
import { modelInit } from '../../trainer/contract/model.ts';
import { configFromInit, toHfConfig } from '../../trainer/models/config.ts';
import { initialParameters, parameterLayout } from '../../trainer/models/parameters.ts';
import { writeByteTokenizer } from '../../trainer/tokenizers/byte-tokenizer.ts';
import { loadTokenizer } from '../../trainer/tokenizers/tokenizer.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const script = fileURLToPath(new URL('open_in_transformers.py', import.meta.url));

/** A Python with torch and transformers. */
const python = process.env['R1_PYTHON'];

describe('a directory written here opens in transformers with equal weights (skipped without R1_PYTHON)', () => {
  (python === undefined ? test.skip : test).each([
    { architecture: 'llama', head: 'lm' },
    { architecture: 'qwen2', head: 'lm' },
    { architecture: 'qwen3', head: 'lm' },
    { architecture: 'qwen3', head: 'scalar' },
  ] as const)(
    '$architecture with head $head',
    async ({ architecture, head }) => {
      const [bytes, model] = [join(directory(), 'bytes'), join(directory(), 'model')];
      await writeByteTokenizer(bytes);
      const tokenizer = await loadTokenizer(bytes);
      const config = configFromInit(
        modelInit.parse({ architecture, hiddenSize: 32, layers: 2 }),
        tokenizer.vocabularySize,
      );
      const layout = parameterLayout(config, head);
      const parameters = initialParameters(layout, config, 7);
      const hfConfig = toHfConfig(config, { eosTokenId: tokenizer.stopIds, padTokenId: tokenizer.padId, head });
      await writeModelDirectory(model, { hfConfig, layout, parameters, tokenizerFrom: bytes });

      const prompt = tokenizer.renderChat([{ role: 'user', content: '3 + 4 = ?' }]);
      const { stdout } = await promisify(execFile)(python!, [script, model, '--prompt', prompt, '--tokens', '4']);
      const opened = JSON.parse(stdout) as { tensors: Record<string, string>; ids: number[] };
      expect(opened.ids).toEqual(tokenizer.encode(prompt));
      expect(opened.tensors).toEqual(
        Object.fromEntries(
          layout.tensors.map(({ name, offset, size }) => [name, sha256(parameters.subarray(offset, offset + size))]),
        ),
      );
      expect(await (await readModelDirectory(model)).readParameters(layout)).toEqual(parameters);
    },
    300_000,
  ); // importing torch alone takes ten seconds on a busy machine
});

function sha256(values: Float32Array): string {
  return createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');
}
