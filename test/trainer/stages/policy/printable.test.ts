import { expect, test } from '@jest/globals';
import { printable } from '../../../../trainer/stages/policy/printable.ts';

test('a model cannot write control characters to a terminal', () => {
  expect(printable('a\0b\u001b[2J\r\u007f\u009b\tü😀\n')).toBe('a␀b␛[2J␍␡\ufffd\tü😀\n');
});
