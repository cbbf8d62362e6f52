import type { Row } from '../../trainer/contract/settings/dataset.ts';

/** A sum whose answer is known. */
export const sumRow: Row = {
  id: 'sums/1',
  dataset: 'sums',
  domain: 'reasoning',
  language: 'en',
  messages: [{ role: 'user', content: 'Add 47+38.' }],
  answer: { kind: 'number', in: 'answerTag', gold: '85' },
};
