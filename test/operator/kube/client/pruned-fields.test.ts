import { expect, test } from '@jest/globals';
import { prunedFields } from '../../../../operator/kube/client/pruned-fields.ts';

const status = { state: 'Running', display: { node: 'a', age: undefined }, attempts: [{ number: 1, class: 'hung' }] };

test.each([
  { name: 'nothing of what came back as it was', stored: status, pruned: [] },
  { name: 'nothing where the server has added defaults', stored: { ...status, more: 1 }, pruned: [] },
  { name: 'a field', stored: { ...status, display: {} }, pruned: ['status.display.node'] },
  {
    name: 'a field of every item, once',
    stored: { ...status, attempts: [{ number: 1 }] },
    pruned: ['status.attempts[].class'],
  },
  { name: 'all of it', stored: undefined, pruned: ['status'] },
])('$name is missing', ({ stored, pruned }) => {
  expect(prunedFields(status, stored, 'status')).toEqual(pruned);
});
