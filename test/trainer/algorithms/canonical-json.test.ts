import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { canonicalJson } from '../../../trainer/algorithms/canonical-json.ts';

test('the example of RFC 8785 is written as it says', () => {
  // Section 3.2.2 and 3.2.3.
  const value = {
    numbers: [JSON.parse('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  };
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test('names are in the order of their UTF-16 units, numbers among them too', () => {
  const names = { '\u20ac': 1, '\r': 2, '\ufb33': 3, 1: 4, 10: 5, 9: 6, '\ud83d\ude00': 7, '\u0080': 8, '\u00f6': 9 };
  expect(canonicalJson(names)).toBe('{"\\r":2,"1":4,"10":5,"9":6,"\u0080":8,"ö":9,"€":1,"😀":7,"\ufb33":3}');
});

test('it means what the value means, whatever the order of its names', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const value: unknown = JSON.parse(text);
      const written = canonicalJson(value);
      expect(JSON.stringify(JSON.parse(written))).toHaveLength(JSON.stringify(value).length);
      expect(canonicalJson(JSON.parse(written))).toBe(written);
      expect(written).not.toMatch(/^\s|\s$/);
    }),
  );
});

test('a field that is undefined is left out', () => {
  expect(canonicalJson({ b: undefined, a: [undefined, 1] })).toBe('{"a":[null,1]}');
});
