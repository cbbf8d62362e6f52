import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { integer, randomKey } from '../../trainer/algorithms/random.ts';
import { writeModelDirectory } from '../../trainer/checkpoint/write-model-directory.ts';
import { modelInit } from '../../trainer/contract/settings/model.ts';
import { configFromInit, toHfConfig } from '../../trainer/models/config.ts';
import { initializeTensor, parameterLayout } from '../../trainer/models/parameters.ts';
import { writeByteTokenizer } from '../../trainer/tokenizers/byte-tokenizer.ts';
import { loadTokenizer } from '../../trainer/tokenizers/tokenizer.ts';

/** Words of 32 bytes, each of them one token: a row of 1 KB has 30 tokens, so that an epoch takes minutes and not days. */
const words = Array.from({ length: 64 }, (_, index) => `word${String(index).padStart(2, '0')}`.padEnd(31, 'x') + ' ');

/** Writes rows of about `bytes` bytes, prompt and completion. */
export async function writeRowsFile(path: string, rows: number, bytes: number): Promise<void> {
  const perRow = Math.max(2, Math.round(bytes / 32) - 2);
  function* lines(): Generator<string> {
    for (let row = 0; row < rows; row++) {
      const key = randomKey('rows', row);
      const text = Array.from({ length: perRow }, (_, at) => words[integer(key, at, words.length)]).join('');
      const completion = text.slice(0, 4 * 32);
      yield `${JSON.stringify({ prompt: text.slice(4 * 32), completion, answer: row % 100 })}\n`;
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(path));
}

/** Writes the smallest model that there is, with a tokenizer of bytes and of the words above. */
export async function writeSmallestModel(directory: string): Promise<void> {
  const tokenizerFrom = `${directory}-tokenizer`;
  await writeByteTokenizer(tokenizerFrom);
  await addWords(join(tokenizerFrom, 'tokenizer.json'));
  const tokenizer = await loadTokenizer(tokenizerFrom);
  const init = modelInit.parse({
    hiddenSize: 16,
    intermediateSize: 16,
    layers: 1,
    heads: 1,
    kvHeads: 1,
    maxLength: 64,
  });
  const config = configFromInit(init, tokenizer.vocabularySize);
  const layout = parameterLayout(config, 'lm');
  const [eosTokenId] = tokenizer.stopIds as [number];
  const hfConfig = toHfConfig(config, { eosTokenId, padTokenId: tokenizer.padId, head: 'lm' });
  await writeModelDirectory(directory, {
    hfConfig,
    layout,
    valuesOf(tensor) {
      const values = new Float32Array(tensor.size);
      initializeTensor(values, tensor, config, 1);
      return values;
    },
    tokenizerFrom,
  });
}

interface TokenizerJson {
  added_tokens: { id: number }[];
}

async function addWords(path: string): Promise<void> {
  const json = JSON.parse(await readFile(path, 'utf8')) as TokenizerJson;
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false };
  const first = Math.max(...json.added_tokens.map(({ id }) => id)) + 1;
  json.added_tokens.push(...words.map((content, index) => ({ ...plain, id: first + index, content })));
  await writeFile(path, JSON.stringify(json));
}
