import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileWriter, parquetWriteRows } from 'hyparquet-writer';
import { integer, randomKey } from '../../trainer/algorithms/random.ts';

export const formats = ['jsonl', 'parquet'] as const;
export type Format = (typeof formats)[number];
export type Domain = 'reasoning' | 'general';

interface GivenRow {
  readonly prompt: string;
  readonly completion: string;
  readonly answer: string | null;
  readonly language: string;
}

const words =
  'the sum of two numbers is found digit by digit from the right and what is over nine goes to the next place before all of it is written down as one number again'.split(
    ' ',
  );

/** Writes rows with completions of about 400 bytes, of which one in twenty is wrong and one in twenty cannot be read. */
export async function writeGivenRows(path: string, domain: Domain, rows: number, format: Format): Promise<void> {
  function* made(): Generator<GivenRow> {
    for (let row = 0; row < rows; row++) yield domain === 'reasoning' ? sum(row) : chat(row);
  }
  if (format === 'jsonl') {
    function* lines(): Generator<string> {
      for (const row of made()) yield `${JSON.stringify(row)}\n`;
    }
    return pipeline(Readable.from(lines()), createWriteStream(path));
  }
  const columns = (['prompt', 'completion', 'answer', 'language'] as const).map((name) => ({
    name,
    type: 'STRING' as const,
  }));
  const all = made() as Iterable<Record<string, unknown>>;
  return parquetWriteRows({ writer: fileWriter(path), rows: all, columns, rowGroupSize: 10_000 });
}

function sum(row: number): GivenRow {
  const key = randomKey('sum', row);
  const [a, b] = [integer(key, 0, 100_000), integer(key, 1, 100_000)];
  const answer = row % 20 === 0 ? a + b + 1 : a + b;
  const response = `<think>${prose(key, 50)}</think><answer>${answer}</answer>`;
  const completion = row % 20 === 10 ? response.replace('</think>', '') : response;
  return { prompt: `What is ${a} plus ${b}?`, completion, answer: String(a + b), language: 'en' };
}

function chat(row: number): GivenRow {
  const key = randomKey('chat', row);
  const code = row % 20 === 10 ? '\n```\nx\n```' : '';
  return { prompt: `${prose(key, 12)}?`, completion: `${prose(key, 60)}${code}.`, answer: null, language: 'en' };
}

function prose(key: ReturnType<typeof randomKey>, length: number): string {
  return Array.from({ length }, (_, at) => words[integer(key, at + 2, words.length)]).join(' ');
}
