import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { answerKinds } from '../../../trainer/contract/settings/dataset.ts';
import { verifyApart } from '../../../trainer/rewards/apart/verify-apart.ts';
import { type AnswerRow, judgedRow } from '../../support/answer-rows.ts';

const page = readFileSync(new URL('../../../docs/reference/answers.md', import.meta.url), 'utf8');

interface Example {
  readonly kind: string;
  readonly cells: Readonly<Record<string, string>>;
}

/** The lines of the tables that have a gold answer, by the names of their columns. */
function examples(): Example[] {
  let kind: string = 'number';
  let columns: string[] = [];
  return page.split('\n').flatMap((line) => {
    const [, heading = ''] = /^## `(\w+)`/.exec(line) ?? [];
    kind = answerKinds.find((known) => known === heading) ?? kind;
    if (!line.startsWith('|')) columns = [];
    if (!line.startsWith('|') || line.startsWith('| ---')) return [];
    const cells = line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replace(/^`|`$/g, '').replaceAll('\\|', '|'));
    if (columns.length === 0) columns = cells;
    else if (columns.includes('Gold'))
      return [{ kind, cells: Object.fromEntries(cells.map((cell, index) => [columns[index], cell])) }];
    return [];
  });
}

test.each(examples())('$kind: $cells', async ({ kind, cells }) => {
  const inTag = cells['Answer tag'];
  const row = judgedRow({
    kind: kind as AnswerRow['kind'] & string,
    in: (cells['in'] ?? (inTag === undefined ? 'completion' : 'answerTag')) as AnswerRow['in'],
    answer: cells['Gold']!,
    ...(cells['Language'] && { language: cells['Language'] }),
  });
  const completion = inTag === undefined ? cells['Completion']! : `<answer>${inTag}</answer>`;
  expect((await verifyApart(row, completion)).outcome).toBe(cells['Verdict']);
});

test('every kind and both places have ten examples', () => {
  for (const kind of answerKinds) {
    expect(examples().filter((example) => example.kind === kind).length).toBeGreaterThanOrEqual(10);
  }
});
