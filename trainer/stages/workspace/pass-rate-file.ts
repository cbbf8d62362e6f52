import { appendFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Candidate } from '../../algorithms/funnel.ts';
import type { PassCount } from '../../algorithms/pass-rates.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import { namingFullDisk } from '../../contract/process/full-disk.ts';
import { readJsonLines } from '../../data/files/jsonl.ts';
import { isVerifiable } from '../../rewards/examine.ts';

/** How often a sample stage answered a prompt right, of the completions that a verifier could judge. */
const line = z.strictObject({
  dataset: z.string(),
  row: z.string(),
  tries: z.int().min(1),
  passes: z.int().min(0),
});

interface Examined {
  readonly row: Row;
  /** How the prompt was put. */
  readonly method: string;
  readonly candidates: readonly Pick<Candidate, 'passes'>[];
}

/** Begins a file of pass rates anew. */
export async function beginPassRates(file: string): Promise<void> {
  await writeFile(file, '');
}

/** Adds those of prompts that were sampled and whose answers are right or wrong; what was given says nothing of a model. */
export async function addPassRates(file: string, examined: readonly Examined[]): Promise<void> {
  const lines = examined.flatMap(({ row, method, candidates }) => {
    if (method === 'given' || method === 'thought' || !isVerifiable(row)) return [];
    const judged = candidates.filter(({ passes }) => passes.correct !== undefined);
    const passes = judged.filter(({ passes: of }) => of.correct).length;
    return judged.length === 0 ? [] : [{ dataset: row.dataset, row: row.id, tries: judged.length, passes }];
  });
  if (lines.length === 0) return;
  const text = lines.map((each) => `${JSON.stringify(each)}\n`).join('');
  await namingFullDisk(file, Buffer.byteLength(text), () => appendFile(file, text));
}

/** @returns by the name of a row, `dataset/id` @throws UserError for a line that is none */
export async function readPassRates(file: string): Promise<Map<string, PassCount>> {
  const rates = new Map<string, PassCount>();
  for await (const { place, value } of readJsonLines(file)) {
    const parsed = line.safeParse(value);
    if (!parsed.success) throw new UserError(`${place}: found no pass rate, expected dataset, row, tries and passes`);
    const { dataset, row, tries, passes } = parsed.data;
    rates.set(`${dataset}/${row}`, { tries, passes });
  }
  return rates;
}
