import { expect, test } from '@jest/globals';
import { UserError } from '../../../../trainer/contract/process/errors.ts';

test.each([
  {
    name: 'escapes what a terminal would obey',
    message: 'found "\u001b[2J\u0000"',
    shown: 'found "\\u001b[2J\\u0000"',
  },
  { name: 'escapes marks that turn text around', message: 'a\u202eb', shown: 'a\\u202eb' },
  { name: 'escapes halves of characters', message: 'a\ud800b', shown: 'a\\ud800b' },
  { name: 'keeps lines, tabs and other writing', message: 'größer\n\t数 😀', shown: 'größer\n\t数 😀' },
  { name: 'cuts what fills the screen', message: 'x'.repeat(10_000), shown: `${'x'.repeat(4000)}…` },
])('the message of an error $name', ({ message, shown }) => {
  expect(new UserError(message).message).toBe(shown);
});
