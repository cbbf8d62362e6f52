import { expect, test } from '@jest/globals';
import { assert, boolean, constant, constantFrom, letrec, nat, oneof, property, record, tuple } from 'fast-check';
import type { Formula } from '../../../../trainer/rewards/logic/read-formula.ts';
import { dependsOn, spellColumn, truthColumn } from '../../../../trainer/rewards/logic/truth.ts';

const variables = ['p', 'q', 'r', 's'];

const { formula } = letrec<{ formula: Formula }>((tie) => ({
  formula: oneof(
    { maxDepth: 5, withCrossShrink: true },
    record({ variable: constantFrom(...variables) }),
    record({ truth: boolean() }),
    record({ operator: constant('not' as const), operands: tuple(tie('formula')) }),
    record({
      operator: constantFrom('and', 'or', 'xor', 'implies', 'iff'),
      operands: tuple(tie('formula'), tie('formula')),
    }),
  ),
}));

/** By the definition of each connective, in one line of the table. */
function isTrue(part: Formula, line: number): boolean {
  if ('truth' in part) return part.truth;
  if ('variable' in part) return ((line >> variables.indexOf(part.variable)) & 1) === 1;
  const [a, b] = part.operands.map((operand) => isTrue(operand, line)) as [boolean, boolean];
  return { not: !a, and: a && b, or: a || b, xor: a !== b, implies: !a || b, iff: a === b }[part.operator];
}

test('a column has the truth of every line', () => {
  assert(
    property(formula, (each) => {
      const lines = Array.from({ length: 2 ** variables.length }, (_, line) => (isTrue(each, line) ? '1' : '0'));
      expect(spellColumn(truthColumn(each, variables), variables.length)).toBe(lines.join(''));
    }),
  );
});

test('a formula depends on a variable that changes its truth in some line', () => {
  assert(
    property(formula, nat(variables.length - 1), (each, index) => {
      const lines = Array.from({ length: 2 ** variables.length }, (_, line) => line);
      const changes = lines.some((line) => isTrue(each, line) !== isTrue(each, line ^ (1 << index)));
      expect(dependsOn(truthColumn(each, variables), index, variables.length)).toBe(changes);
    }),
  );
});
