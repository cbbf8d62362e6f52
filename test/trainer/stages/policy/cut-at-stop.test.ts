import { expect, test } from '@jest/globals';
import { cutAtStop } from '../../../../trainer/stages/policy/cut-at-stop.ts';

/** Tokens are characters; the last one of the alphabet is a stop token. */
const decode = (ids: readonly number[]): string => String.fromCodePoint(...ids);
const idsOf = (text: string): number[] => Array.from(text, (character) => character.codePointAt(0) ?? 0);
const stopToken = '■';

function completion(text: string, finish: 'stop' | 'length') {
  const tokenIds = idsOf(text);
  return { tokenIds, probs: Float32Array.from(tokenIds, (_, at) => 1 / (at + 2)), finish };
}

test.each([
  { name: 'nothing to stop at', text: 'abc', stop: [], kept: 'abc', finish: 'length', left: 'abc' },
  { name: 'no stop text', text: 'abc', stop: ['x'], kept: 'abc', finish: 'length', left: 'abc' },
  { name: 'a stop text', text: 'abcdef', stop: ['cd'], kept: 'abcd', finish: 'stop', left: 'ab' },
  { name: 'the first of several', text: 'abcdef', stop: ['ef', 'b', 'zz'], kept: 'ab', finish: 'stop', left: 'a' },
  {
    name: 'the one that is complete first',
    text: 'abcdef',
    stop: ['abcd', 'bc'],
    kept: 'abc',
    finish: 'stop',
    left: 'a',
  },
  { name: 'at the very end', text: 'abc', stop: ['c'], kept: 'abc', finish: 'stop', left: 'ab' },
  { name: 'at the start', text: 'abc', stop: ['a'], kept: 'a', finish: 'stop', left: '' },
  { name: 'a stop token', text: 'ab■', stop: [], kept: 'ab■', finish: 'stop', left: 'ab' },
  { name: 'a stop text before a stop token', text: 'abc■', stop: ['b'], kept: 'ab', finish: 'stop', left: 'a' },
] as const)('a completion with $name', ({ text, stop, kept, finish, left }) => {
  const given = completion(text, text.endsWith(stopToken) ? 'stop' : 'length');
  const cut = cutAtStop(given, { decode, stop: { ids: idsOf(stopToken), texts: stop } });
  expect({ ...cut, tokenIds: decode(cut.tokenIds) }).toEqual({
    tokenIds: kept,
    probs: given.probs.slice(0, kept.length), // those of its tokens, one each
    finish,
    text: left,
  });
});
