import { expect, test } from '@jest/globals';
import { mergePatch } from '../../../operator/kube/merge-patch.ts';

test.each([
  {
    name: 'nothing, of equal values',
    before: { a: [1], b: { c: 1 } },
    after: { b: { c: 1 }, a: [1] },
    patch: undefined,
  },
  { name: 'nothing, of what is undefined and what is absent', before: {}, after: { a: undefined }, patch: undefined },
  { name: 'all, where there was nothing', before: undefined, after: { a: 1, b: {} }, patch: { a: 1, b: {} } },
  { name: 'null for what is gone', before: { a: 1, b: 2 }, after: { a: 1 }, patch: { b: null } },
  {
    name: 'only what differs inside of maps',
    before: { m: { a: 1, b: 2, c: 3 } },
    after: { m: { a: 1, b: 5 } },
    patch: { m: { b: 5, c: null } },
  },
  { name: 'lists as a whole', before: { l: [{ a: 1 }, { a: 2 }] }, after: { l: [{ a: 1 }] }, patch: { l: [{ a: 1 }] } },
  { name: 'nulls that empty a map', before: { m: { a: 1 } }, after: { m: {} }, patch: { m: { a: null } } },
])('a patch has $name', ({ before, after, patch }) => {
  expect(mergePatch(before, after)).toEqual(patch);
});
