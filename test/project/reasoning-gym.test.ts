import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { verify } from '../../trainer/rewards/verify.ts';
import { documentedTable } from '../support/documented-table.ts';
import { usePythonRewards } from '../support/python-rewards.ts';

const project = join(import.meta.dirname, '../..');
const verifier = join(project, 'examples/verifiers/reasoning_gym.py');
const { openFile } = usePythonRewards();

interface Entry {
  readonly question: string;
  readonly answer: string;
  readonly metadata: object;
}

interface Golden {
  readonly task: 'chain_sum' | 'spell_backward' | 'aiw';
  readonly row: number;
  readonly form: string;
  readonly completion: string;
  readonly score: number;
}

/** Made by make_golden.py beside it, which says how. */
const golden = linesOf<Golden>('test/fixtures/reasoning-gym/golden.jsonl');
const entries = new Map(
  golden.map(({ task }) => [task, linesOf<Entry>(`examples/data/reasoning-gym/${task}/held-out.jsonl`)]),
);

test('examples/verifiers/reasoning_gym.py scores 518, 448 and 518 completions of three tasks as reasoning-gym does', async () => {
  const tasks = [...Map.groupBy(golden, ({ task }) => task)];
  expect(tasks.map(([task, { length }]) => [task, length])).toEqual([
    ['chain_sum', 518],
    ['spell_backward', 448],
    ['aiw', 518],
  ]);
  const scores = await (await openFile({ file: verifier })).score(golden.map(sampleOf));
  expect(golden.map((each, at) => ({ ...each, score: scores[at] }))).toEqual(golden);
});

test('a task that it does not know is refused by name', async () => {
  const row = { id: '1', dataset: 'd', domain: 'reasoning' as const, messages: [] };
  const columns = { metadata: { source_dataset: 'sudoku' } };
  expect(
    await (await openFile({ file: verifier })).score([{ completion: '', prompt: '', row: { ...row, columns } }]),
  ).toEqual([
    {
      because: 'error',
      message: expect.stringContaining('sudoku: expected a task of chain_sum, spell_backward, aiw'),
    },
  ]);
});

/** The kind of answer that comes nearest to each task, and why it says otherwise than reasoning-gym of which completions. */
const kinds = { chain_sum: 'number', spell_backward: 'exact', aiw: 'number' } as const;
const acceptedFor: Readonly<Record<string, string>> = {
  boxed: 'a box is dress',
  'full stop': 'a full stop is dress',
  quoted: 'quotation marks are dress',
  'comma at the end': 'the same number',
  'plus sign': 'the same number',
  decimals: 'the same number',
  'leading zeros': 'the same number',
  'power of ten': 'the same number',
  fraction: 'the same number',
  'space behind the sign': 'the same number',
  'digits of another script': 'the same number',
};
const refusedFor: Readonly<Record<string, string>> = {
  'in the thought alone': 'a thought is no answer',
  'in an open thought': 'a thought is no answer',
  'wrong, then right': 'two answers',
  'upper case': 'case counts',
  'leading zeros': 'three digits stand behind a comma',
  underscore: 'a number to Python alone',
};

test('docs/reasoning-gym.md says where the kinds of answers that come along differ from it', () => {
  const others = golden.filter((each) => right(each) !== (each.score === 1));
  const rows = [...Map.groupBy(others, ({ task, form }) => `${task} ${form}`).values()].flatMap(([first, ...more]) =>
    first === undefined ? [] : [lineOf(first, 1 + more.length)],
  );
  expect({ all: golden.length, others: others.length }).toEqual({ all: 1484, others: 341 });
  expect(documentedTable(join(project, 'docs/reasoning-gym.md'), '## Kinds of answers instead', rows)).toEqual(rows);
});

/** A line of the page for completions of one form. */
function lineOf(one: Golden, count: number): string[] {
  const { task, form, completion, score } = one;
  const why = (right(one) ? acceptedFor : refusedFor)[form];
  if (why === undefined) throw new Error(`${task}: ${form}: found no reason for ${completion}`);
  const found = [`\`${task}\``, `\`${kinds[task]}\``, form, `\`${completion}\``, String(count)];
  return [...found, String(Number(score.toFixed(2))), verdictOf(one), why];
}

function right(each: Golden): boolean {
  return verdictOf(each) === 'correct';
}

function verdictOf({ task, row, completion }: Golden): string {
  const gold = entryOf({ task, row }).answer;
  return verify({ answer: { kind: kinds[task], in: 'answerTag', gold } }, completion).outcome;
}

function entryOf({ task, row }: Pick<Golden, 'task' | 'row'>): Entry {
  return entries.get(task)?.[row] as Entry;
}

function sampleOf({ task, row, completion }: Golden) {
  const { question, answer, metadata } = entryOf({ task, row });
  const messages = [{ role: 'user' as const, content: question }];
  const columns = { question, answer, metadata };
  return {
    completion,
    answer,
    prompt: question,
    row: { id: `${task}/${row}`, dataset: task, domain: 'reasoning' as const, messages, columns },
  };
}

function linesOf<Line>(file: string): Line[] {
  return readFileSync(join(project, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}
