import type { LabelledAnswers } from './labelled-answers.ts';

const capitals = (correct: string | string[]): string =>
  JSON.stringify({ correct, options: { A: 'Paris', B: 'London', C: 'New York', D: 'both of them' } });

const ways = (label: string): string[] => [
  label,
  `(${label})`,
  `${label}.`,
  `${label})`,
  `**${label}**`,
  `\\boxed{${label}}`,
  label.toLowerCase(),
  `Option ${label}`,
  `The answer is ${label}.`,
  `\\text{${label}}`,
];
const listings = [
  'A, B, C, D',
  'A or B',
  'A B C D',
  'A/B',
  'all of them',
  'A. B. C. D.',
  'A and B and C and D',
  'none',
  'ABCD',
  'E',
];

export const choiceAnswers: readonly LabelledAnswers[] = [
  {
    gold: 'B',
    prompt: 'Which is right? A) one B) two C) three D) four',
    right: [...ways('B'), 'B. two'],
    wrong: ['A', 'C', ...listings, 'two', 'B. two, or C. three', 'not B'],
    lookAlike: ['В', 'ß'],
  },
  {
    gold: 'C',
    prompt: 'Choose: A, B, C or D.',
    right: [...ways('C'), 'C: three'],
    wrong: ['D', 'B', ...listings, 'C, D', 'C. three D. four'],
    lookAlike: ['С', 'Ϲ'],
  },
  {
    gold: capitals('B'),
    prompt: 'What is the capital of England? A Paris, B London, C New York, D both of them',
    right: [...ways('B'), 'London', 'B. London', 'B) london', '**London**', 'The answer is London.'],
    wrong: [
      'A',
      'Paris',
      'A. London',
      'B. Paris',
      'London, Paris',
      'B. London or Paris',
      'Lon don',
      ...listings,
      'Paris or London',
      'B. London C. New York',
    ],
    lookAlike: ['Lоndon', 'В. London'],
  },
  {
    gold: capitals(['A', 'C']),
    prompt: 'Which two are not in England?',
    right: ['A, C', 'C, A', 'A and C', 'a, c', '(A), (C)', 'A & C', 'A; C', '\\boxed{A, C}'],
    wrong: ['A', 'C', 'A, B', 'A, B, C', 'Paris', 'D', ...listings],
    lookAlike: ['А, С', 'A, Ⅽ'],
  },
  {
    gold: '3',
    prompt: 'Which of 1 to 4?',
    right: ['3', '(3)', '3.', '3)', 'Option 3', '\\boxed{3}', '**3**'],
    wrong: ['2', '1, 2, 3, 4', '3, 4', 'three', '33', '3 or 4'],
    lookAlike: ['З', 'Ʒ'],
  },
  {
    gold: 'A, B and D',
    prompt: 'Which three of A, B, C and D?',
    right: ['A, B, D', 'D, B, A', 'a, b, d', 'A, B and D', '(A), (B), (D)'],
    wrong: ['A, B', 'A, B, C', 'B', 'A B D', 'all', 'A, B, C, D', 'not C'],
    lookAlike: ['А, В, D', 'A, ß, D'],
  },
];
