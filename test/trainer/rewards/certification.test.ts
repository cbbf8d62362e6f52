import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { verifyApart } from '../../../trainer/rewards/apart/verify-apart.ts';
import { labelledAnswers } from '../../support/labelled-answers/all.ts';

const page = readFileSync(new URL('../../../docs/reference/answers.md', import.meta.url), 'utf8');

describe.each(Object.entries(labelledAnswers))('%s', (kind, rows) => {
  let verdicts: { told: readonly unknown[]; label: string; attack: string | undefined; outcome: string }[] = [];

  beforeAll(async () => {
    verdicts = await Promise.all(
      rows.map(async ({ completion, answer, expect: label, attack, ...row }) => ({
        told: [answer, completion.slice(0, 300), attack] as const,
        label,
        attack,
        outcome: (await verifyApart({ answer: { ...row, gold: answer } }, completion)).outcome,
      })),
    );
  }, 240_000);

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

  test('any text gets a verdict, also of a gold answer made of anything', async () => {
    const golds = [...new Set(rows.map(({ answer }) => answer))];
    const pieces = rows.flatMap(
      ({ completion }) => completion.match(/[\p{L}\p{N}]+|[^\p{L}\p{N}]/gu)?.slice(0, 60) ?? [],
    );
    const text = fc.array(fc.constantFrom(...new Set(pieces)), { maxLength: 60 }).map((parts) => parts.join(''));
    const property = fc.asyncProperty(
      fc.constantFrom(...golds),
      text,
      fc.constantFrom('answerTag', 'completion'),
      async (gold, answer, place) => {
        const { kind: each } = rows[0]!;
        const row = { kind: each, in: place } as const;
        const completion = place === 'completion' ? answer : `<answer>${answer}</answer>`;
        expect(['correct', 'partial', 'wrong', 'abstain']).toContain(
          (await verifyApart({ answer: { ...row, gold } }, completion)).outcome,
        );
        await verifyApart({ answer: { ...row, gold: answer } }, completion);
      },
    );
    // A program takes much longer than a comparison.
    await fc.assert(property, { seed: 11, numRuns: kind.startsWith('code') ? 60 : 500 });
  }, 120_000);

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
