import { describe, expect, test } from '@jest/globals';
import { judge, spellGold, verify } from '../../../trainer/rewards/verify.ts';
import { answerFiles, answerRows, judgedRow } from '../../support/answer-rows.ts';

describe.each(answerFiles)('%s', (file) => {
  const rows = answerRows(file).map((row) => ({ ...row, name: JSON.stringify(row.completion.slice(0, 60)) }));

  test.each(rows)('$name for $answer is $expect', ({ completion, expect: outcome, ...row }) => {
    expect(verify(judgedRow(row), completion).outcome).toBe(outcome);
  });

  test('completions that are right vote for one answer, and those that are wrong for none of it', () => {
    for (const { completion, expect: outcome, ...row } of rows) {
      const judged = judgedRow(row);
      const gold = spellGold(judged.answer!);
      if (gold === undefined || row.kind === 'list' || row.kind === 'pattern') continue;
      expect([completion, judge(judged, completion).value === gold]).toEqual([completion, outcome === 'correct']);
    }
  });
});

test('gold lists score 1 against themselves, and equal lists share a vote', () => {
  for (const { kind, answer } of answerRows('test/fixtures/answers/texts.jsonl')) {
    const row = judgedRow({ kind: 'list', in: 'answerTag', answer });
    if (kind !== 'list' || spellGold(row.answer!) === undefined) continue;
    expect([answer, verify(row, `<answer>${answer}</answer>`).score]).toEqual([answer, 1]);
    const reversed = answer.split(/[,\n]/).toReversed().join(', ');
    expect(judge(row, `<answer>${reversed}</answer>`).value).toBe(judge(row, `<answer>${answer}</answer>`).value);
  }
});
