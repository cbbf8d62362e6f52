import { expect, test } from '@jest/globals';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { faithfulDecoder } from '../../../trainer/tokenizers/decoder.ts';
import { faithfulNormalizer } from '../../../trainer/tokenizers/normalizer.ts';
import { faithfulPreTokenizer } from '../../../trainer/tokenizers/pre-tokenizer.ts';

const sequence = (...decoders: unknown[]) => ({ type: 'Sequence', decoders });
const blank = { String: '▁' };

// What PyPI tokenizers 0.23.3 says of each, by Tokenizer.from_str.
const accepted = [
  null,
  sequence(),
  { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
  { type: 'Fuse' },
  { type: 'ByteFallback' },
  { type: 'Strip', content: ' ', start: 1, stop: 0 },
  { type: 'Metaspace', replacement: '▁', add_prefix_space: true },
  { type: 'WordPiece', prefix: '##', cleanup: true },
  { type: 'BPEDecoder', suffix: '</w>' },
  { type: 'CTC', pad_token: 'a', word_delimiter_token: 'b', cleanup: true },
];
const refused = [
  'x',
  5,
  [],
  {},
  { type: 'Nope' },
  { type: '__proto__' },
  sequence('__proto__'),
  sequence(null),
  sequence([]),
  sequence({ type: 'Fuse' }, sequence(null)),
  { type: 'Sequence' },
  { type: 'Replace' },
  { type: 'Replace', pattern: 'x', content: ' ' },
  { type: 'Replace', pattern: blank },
  { type: 'Replace', pattern: blank, content: 3 },
  { type: 'Strip' },
  { type: 'Strip', content: ' ', start: -1, stop: 0 },
  { type: 'Strip', content: ' ', start: 1.5, stop: 0 },
  { type: 'Strip', content: ' ', start: 1 },
  { type: 'Strip', content: 'ab', start: 1, stop: 0 },
  { type: 'Metaspace' },
  { type: 'Metaspace', replacement: 'ab' },
  { type: 'Metaspace', replacement: 5 },
  { type: 'WordPiece', prefix: '##' },
  { type: 'WordPiece', prefix: 4, cleanup: true },
  { type: 'BPEDecoder' },
  { type: 'BPEDecoder', suffix: 3 },
  { type: 'CTC', pad_token: 'a' },
  { type: 'ByteLevel' },
  { type: 'ByteLevel', add_prefix_space: 3, trim_offsets: true },
];

test.each(accepted.map((decoder) => [JSON.stringify(decoder), decoder]))('the decoder %s is read', (_, decoder) => {
  expect(faithfulDecoder(decoder, 'tokenizer.json')).toEqual(decoder);
});

test.each(refused.map((decoder) => [JSON.stringify(decoder), decoder]))('the decoder %s is refused', (_, decoder) => {
  expect(() => faithfulDecoder(decoder, 'tokenizer.json')).toThrow(UserError);
});

test('the message names the step, what was found and what was expected', () => {
  expect(() => faithfulDecoder(sequence({ type: 'Fuse' }, '__proto__'), 'tokenizer.json')).toThrow(
    /^tokenizer.json: decoder.decoders\[1\]: found "__proto__", expected an object$/,
  );
  expect(() => faithfulDecoder({ type: 'Strip', content: ' ', start: -1, stop: 0 }, 'tokenizer.json')).toThrow(
    /^tokenizer.json: decoder.start: found -1, expected a whole number from 0$/,
  );
});

test('what a decoder puts in stands as it is written', () => {
  expect(faithfulDecoder({ type: 'Replace', pattern: blank, content: '$&' }, 'tokenizer.json')).toEqual({
    type: 'Replace',
    pattern: { Regex: '▁' },
    content: '$$&',
  });
});

test.each([
  ['normalizer', (step: unknown) => faithfulNormalizer(step, 'tokenizer.json'), 'normalizers'],
  ['pre_tokenizer', (step: unknown) => faithfulPreTokenizer(step, 'tokenizer.json'), 'pretokenizers'],
])('a %s that is no object is refused, alone and in a sequence', (name, read, key) => {
  for (const step of ['NFC', 3, false]) {
    const message = new RegExp(`^tokenizer.json: ${name}: found ${JSON.stringify(step)}, expected an object$`);
    expect(() => read(step)).toThrow(message);
    expect(() => read({ type: 'Sequence', [key]: [step] })).toThrow(message);
  }
  expect(() => read({ type: 'Sequence', [key]: [null] })).toThrow(/found null, expected an object$/);
  expect(read(null)).toBeNull();
});
