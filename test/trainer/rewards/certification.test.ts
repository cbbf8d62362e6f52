import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { verify } from '../../../trainer/rewards/verify.ts';
import { labelledAnswers } from '../../support/labelled-answers/all.ts';

const page = readFileSync(new URL('../../../docs/reference/answers.md', import.meta.url), 'utf8');

describe.each(Object.entries(labelledAnswers))('%s', (kind, rows) => {
  const verdicts = rows.map(({ completion, answer, expect: label, attack, ...row }) => ({
    told: [answer, completion.slice(0, 300), attack] as const,
    label,
    attack,
    outcome: verify({ answer: { ...row, gold: answer } }, completion).outcome,
  }));

  test('every labelled answer has the verdict of its label', () => {
    const others = verdicts.filter(({ label, outcome }) => label !== outcome);
    expect(others.map(({ told, label, outcome }) => [...told, label, outcome])).toEqual([]);
  });

  test('no attack is right, not even in part', () => {
    const attacks = verdicts.filter(({ attack }) => attack !== undefined);
    expect(attacks.length).toBeGreaterThanOrEqual(50);
    expect(
      attacks.filter(({ outcome }) => outcome === 'correct' || outcome === 'partial').map(({ told }) => told),
    ).toEqual([]);
  });

  test('any text gets a verdict, also of a gold answer made of anything', () => {
    const golds = [...new Set(rows.map(({ answer }) => answer))];
    const pieces = rows.flatMap(
      ({ completion }) => completion.match(/[\p{L}\p{N}]+|[^\p{L}\p{N}]/gu)?.slice(0, 60) ?? [],
    );
    const text = fc.array(fc.constantFrom(...new Set(pieces)), { maxLength: 60 }).map((parts) => parts.join(''));
    const property = fc.property(
      fc.constantFrom(...golds),
      text,
      fc.constantFrom('answerTag', 'completion'),
      (gold, answer, place) => {
        const { kind: each } = rows[0]!;
        const row = { kind: each, in: place } as const;
        const completion = place === 'completion' ? answer : `<answer>${answer}</answer>`;
        expect(['correct', 'partial', 'wrong', 'abstain']).toContain(
          verify({ answer: { ...row, gold } }, completion).outcome,
        );
        verify({ answer: { ...row, gold: answer } }, completion);
      },
    );
    fc.assert(property, { seed: 11, numRuns: 500 });
  });

  test('the page tells how many rows were tried', () => {
    expect(rows.length).toBeGreaterThanOrEqual(200);
    const right = count(verdicts, ({ label }) => label === 'correct' || label === 'partial');
    const attacks = count(verdicts, ({ attack }) => attack !== undefined);
    const counts = [rows.length, right, rows.length - right - attacks, attacks, 0, 0];
    const line = page.split('\n').find((each) => each.startsWith(`| \`${kind}\` | `) && /\d+ \| \d+ \|$/.test(each));
    expect(line).toBe(`| \`${kind}\` | ${counts.join(' | ')} |`);
  });
});

function count<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.filter(holds).length;
}
