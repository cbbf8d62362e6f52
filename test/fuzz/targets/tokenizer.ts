import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openTokenizer } from '../../../trainer/tokenizers/open-tokenizer.ts';
import { damagedJsonFile } from '../mutations.ts';
import type { FuzzTarget } from '../target.ts';
import { trainedModel } from '../trained-model.ts';

const small = {
  ...(trainedModel.tokenizer as object),
  normalizer: {
    type: 'Sequence',
    normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { Regex: ' +' }, content: ' ' }],
  },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      {
        type: 'Split',
        pattern: { Regex: '\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|\\s+' },
        behavior: 'Isolated',
        invert: false,
      },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    ],
  },
};

const sentencePiece = {
  ...small,
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  },
};

/** `tokenizer.json` or `tokenizer_config.json`, loaded and used. */
export const tokenizerFiles = (['tokenizer.json', 'tokenizer_config.json'] as const).map((name): FuzzTarget => {
  const seeds =
    name === 'tokenizer.json' ? [trainedModel.tokenizer, small, sentencePiece] : [trainedModel.tokenizerConfig];
  return {
    name,
    mostMiB: 500,
    inputs: () => damagedJsonFile(seeds),
    async open(directory) {
      await cp(trainedModel.path, directory, { recursive: true });
      return {
        async read(input) {
          await writeFile(join(directory, name), input);
          // In this process, which has bounds of its own.
          const tokenizer = await openTokenizer(directory, { stop: ['\nUser:', '4'] });
          const prompt = tokenizer.render([{ role: 'user', content: 'What is 3 + 4? größer\n' }]);
          tokenizer.decode(tokenizer.encode(prompt));
        },
      };
    },
  };
});
