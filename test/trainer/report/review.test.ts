import { expect, test } from '@jest/globals';
import type { Review } from '../../../trainer/report/data-files.ts';
import { reviewTable } from '../../../trainer/report/sections/review.ts';

const decided: Review = { reviewed: 9, not_reviewed: 1, edited: 2, rejected: 3, reviewers: ['Ada', 'Bo'], readers: [] };

function textOf(review: Review): string {
  return String(reviewTable(review))
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll(/\s+/g, ' ')
    .trim();
}

test('says what people decided, and how far two who have read the same rows agree', () => {
  const readers: Review['readers'] = [
    { reviewers: ['Ada', 'Bo'], rows: 8, agreement: 0.875, kappa: 0.6 },
    { reviewers: ['Ada', 'Cleo'], rows: 1, agreement: 1 },
  ];
  expect(textOf({ ...decided, agreement: 0.889, kappa: 0.6, readers })).toBe(
    "What people decided 9 rows reviewed (2 edited, 3 rejected), 1 not reviewed, by Ada, Bo. Of rows that two have read: agreement 88.9 %, Cohen's kappa 0.60. " +
      "Read by both Rows Agreement Cohen's kappa Ada, Bo 8 87.5 % 0.60 Ada, Cleo 1 100.0 % –",
  );
});

test('has no figures of agreement where nobody has read what another one has', () => {
  expect(textOf(decided)).toBe(
    'What people decided 9 rows reviewed (2 edited, 3 rejected), 1 not reviewed, by Ada, Bo.',
  );
});
