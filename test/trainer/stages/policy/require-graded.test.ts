import { expect, test } from '@jest/globals';
import { UserError } from '../../../../trainer/contract/process/errors.ts';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { requireGraded } from '../../../../trainer/stages/policy/require-graded.ts';

const row: Row = { id: 'sums/3', dataset: 'sums', domain: 'reasoning', messages: [{ role: 'user', content: '1+1?' }] };
const graded = { row, reward: 1, scores: { accuracy: 1, format: 0 } };
const abstained = { row, reward: undefined, scores: { accuracy: undefined, format: 0 } };

test('one graded completion is enough', () => {
  expect(() => requireGraded(1, [abstained, graded])).not.toThrow();
});

test('a rollout in which every completion abstains is refused with the cause', () => {
  expect(() => requireGraded(5, [abstained, abstained])).toThrow(UserError);
  expect(() => requireGraded(5, [abstained, abstained])).toThrow(
    'step 5: none of 2 completions could be graded: the reward accuracy abstained, first on row sums/3, ' +
      'which has no gold answer; expected rows of sums with one',
  );
  const answer = { kind: 'number', in: 'answerTag', gold: 'many' } as const;
  expect(() => requireGraded(5, [{ ...abstained, row: { ...row, answer } }])).toThrow(
    'first on row sums/3, whose gold answer is "many" of the kind number',
  );
});
