import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { placeOfStop } from '../../../trainer/rollout/stop-watch.ts';
import { cutAtStop } from '../../../trainer/stages/policy/cut-at-stop.ts';
import { stopPieces } from '../../../trainer/tokenizers/stop-pieces.ts';
import { writeByteTokenizer } from '../../../trainer/tokenizers/byte-tokenizer.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { useTokenizers } from '../../support/tokenizers.ts';

const directory = useTemporaryDirectory();
const loadTokenizer = useTokenizers();

/** Bytes of tokens, as of a byte-level vocabulary: letters, what several tokens make a letter of, and a token that writes nothing. */
const vocabulary = ['a', 'b', 'ab', 'ba', 'aba', '\n', '\n\n', 'b\n', 'é', 'aé', ''].map((text) => [
  ...Buffer.from(text),
]);
const [lead, rest] = [0xc3, 0xa9]; // of é
vocabulary.push([lead], [rest], [0x61, lead], [rest, 0x62]);
const decode = (ids: readonly number[]) => Buffer.from(ids.flatMap((id) => vocabulary[id] ?? [])).toString('utf8');
const id = (text: string) => vocabulary.findIndex((bytes) => Buffer.from(bytes).toString('utf8') === text);

function watched(texts: readonly string[]) {
  const pieces = stopPieces(texts, (token) => decode([token]), vocabulary.length);
  return { stopIds: [], stopTexts: pieces && { texts, pieces } };
}

test.each([
  { name: 'within a token', stop: ['b'], written: ['a', 'aba', 'a'], place: 1 },
  { name: 'over three tokens', stop: ['b\na'], written: ['a', 'b', '\n', 'ab'], place: 3 },
  { name: 'over one that writes nothing', stop: ['ab'], written: ['a', '', 'b'], place: 2 },
  { name: 'not over one that writes something else', stop: ['ab'], written: ['a', '\n', 'b'], place: -1 },
  { name: 'the first of two', stop: ['\n\n', 'bb'], written: ['b', 'ba', '\n\n'], place: 1 },
  { name: 'with a letter of several bytes', stop: ['éa'], written: ['aé', 'ab'], place: 1 },
])('a stop text is found where it is completed: $name', ({ stop, written, place }) => {
  expect(placeOfStop(written.map(id), watched(stop))).toBe(place);
});

test('a stop token ends a completion as well, and nothing is found where no text is to be', () => {
  expect(placeOfStop([0, 1, 2], { stopIds: [1] })).toBe(1);
  expect(placeOfStop([0, 1, 2], { stopIds: [] })).toBe(-1);
});

const token = fc.nat({ max: vocabulary.length + 1 }); // some ids have no token
const text = fc
  .array(fc.constantFrom('a', 'b', '\n', 'é'), { minLength: 1, maxLength: 4 })
  .map((letters) => letters.join(''));

test('a completion that ends at its stop text is the one that goes on and is cut', () => {
  fc.assert(
    fc.property(
      fc.array(token, { minLength: 1, maxLength: 30 }),
      fc.array(text, { minLength: 1, maxLength: 3 }),
      (tokenIds, texts) => {
        const whole = {
          tokenIds,
          probs: Float32Array.from(tokenIds, (_, at) => 1 / (at + 1)),
          finish: 'length' as const,
        };
        const place = placeOfStop(tokenIds, watched(texts));
        const ended =
          place < 0
            ? whole
            : {
                tokenIds: tokenIds.slice(0, place + 1),
                probs: whole.probs.slice(0, place + 1),
                finish: 'stop' as const,
              };
        const tokenizer = { decode, stop: { ids: [], texts } };
        expect(cutAtStop(ended, tokenizer)).toEqual(cutAtStop(whole, tokenizer));
      },
    ),
    { numRuns: 3000 },
  );
});

test('a byte-level tokenizer knows what its tokens write; one that puts something between them does not tell', async () => {
  await writeByteTokenizer(directory());
  const { stop, encode } = await loadTokenizer(directory(), { stop: ['\nUser:', 'é'] });
  const stopTexts = { texts: stop.texts, pieces: stop.pieces ?? [] };
  const ids = encode('It is 2.\nUser: and then?');
  expect(placeOfStop(ids, { stopIds: [], stopTexts })).toBe('It is 2.\nUser:'.length - 1);
  expect((await loadTokenizer(directory())).stop).toEqual({ ids: [], texts: [] });
});
