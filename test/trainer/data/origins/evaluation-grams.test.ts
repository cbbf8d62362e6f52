import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { EvaluationGrams, gramWords } from '../../../../trainer/data/origins/evaluation-grams.ts';

const ask = (content: string) => ({ messages: [{ role: 'user' as const, content }] });
const train = 'A train leaves Oslo at nine and runs at 80 km an hour; when is it in Bergen?';

function grams(...questions: readonly string[]): EvaluationGrams {
  const all = new EvaluationGrams();
  all.add(questions.map(ask));
  return all;
}

test.each([
  { what: 'the question itself', text: train, found: 'a train leaves oslo at nine and runs at 80' },
  {
    what: 'ten words of it within others',
    text: `Solve this. Today a TRAIN leaves Oslo, at nine, and runs at 80 miles.`,
    found: 'a train leaves oslo at nine and runs at 80',
  },
  {
    what: 'the same in other characters',
    text: train.replace('80', '８０'),
    found: 'a train leaves oslo at nine and runs at 80',
  },
  { what: 'nine words of it', text: 'A train leaves Oslo at nine and runs at 60 km' },
  { what: 'its words in another order', text: train.split(' ').toReversed().join(' ') },
  { what: 'another number', text: train.replace('80', '90').replace('nine', 'ten') },
  { what: 'no word', text: '…' },
])('of a question of sixteen words, a text with $what', ({ text, found }) => {
  expect(grams(train).findIn(text)).toBe(found);
});

test.each([
  { text: '12 + 34 =', found: '12 + 34 =' },
  { text: '12+34=', found: '12 + 34 =' },
  { text: '12-34=' },
  { text: '1 + 34 =' },
  { text: 'What is 12+34=' },
])('a question of fewer than ten words is found in “$text” only if that is all of it', ({ text, found }) => {
  expect(grams('12+34=').findIn(text)).toBe(found);
});

test('every character counts where a script has no blanks', () => {
  const question = '一列火车九点从奥斯陆出发，几点到卑尔根？';
  expect(grams(question).findIn('请问：一列火车九点从奥斯陆出发。')).toBe('一 列 火 车 九 点 从 奥 斯 陆');
  expect(grams(question).findIn('一列火车十点从奥斯陆出发')).toBeUndefined();
});

test('of a conversation what the user says counts, of a document its text', () => {
  const all = new EvaluationGrams();
  const system = 'You are a helpful assistant who thinks before it answers and is brief.';
  const document = 'It was the best of times, it was the worst of times.';
  all.add([
    { messages: [{ role: 'system', content: system }, ...ask(train).messages] },
    { messages: [], completion: document },
  ]);
  expect(all.findIn(system)).toBeUndefined();
  expect(all.findInRow(ask(train))).toBeDefined();
  expect(all.findInRow({ ...ask('Go on.'), completion: document })).toBeDefined();
});

const solved = 'The train runs 460 km at 80 km an hour, so it takes 5.75 hours and arrives at 14:45.';
const asked = ask('When is it there?');

test.each([
  { where: 'the completion', row: { ...asked, completion: solved } },
  {
    where: 'the gold answer',
    row: { ...asked, answer: { kind: 'exact' as const, in: 'answerTag' as const, gold: solved } },
  },
  { where: 'a column of that name', row: { ...asked, columns: { solution: solved } } },
  { where: 'the column of the answer', row: { ...asked, columns: { answer: `${solved} #### 14:45` } } },
  { where: 'a column that a data set names so', row: { ...asked, columns: { worked: solved } } },
])('ten words of a solution that stands in $where are found', ({ row }) => {
  const all = new EvaluationGrams();
  all.add([row], 'worked');
  expect(all.findIn(`So: ${solved}`)).toBe('the train runs 460 km at 80 km an hour');
  expect(all.findIn('It runs at 80 km an hour.')).toBeUndefined();
});

test('an answer of fewer words is no text that another one could be taken from', () => {
  const all = new EvaluationGrams();
  all.add([{ ...asked, completion: '14:45', columns: { answer: 12, solution: 'It is 14:45.' } }]);
  expect(all.findIn('14:45')).toBeUndefined();
  expect(all.findIn('It is 14:45.')).toBeUndefined();
});

const windows = (of: string) => {
  const words = of.split(' ');
  return words.slice(gramWords - 1).map((_, at) => words.slice(at, at + gramWords).join(' '));
};

test('whatever has ten words of a question in a row is found, and nothing else', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b'), { minLength: gramWords, maxLength: 24 })
    .map((words) => words.join(' '));
  fc.assert(
    fc.property(text, text, (question, other) => {
      const shared = windows(other).find((window) => windows(question).includes(window));
      expect(grams(question).findIn(other)).toBe(shared);
    }),
  );
});
