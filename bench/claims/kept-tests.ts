import { readFile, writeFile } from 'node:fs/promises';
import { codeDigest } from '../../trainer/engine/code-digest.ts';
import type { TestResults } from './run-tests.ts';

interface Kept {
  /** SHA-256 of the trainer's sources when they ran: of others they say nothing. */
  readonly code: string;
  readonly results: Readonly<Record<string, readonly { readonly name: string; readonly passed: boolean }[]>>;
}

/** Outcomes of tests that have run with these sources. */
export async function keptTests(path: string): Promise<TestResults> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const kept = text === undefined ? undefined : (JSON.parse(text) as Kept);
  return new Map(kept?.code === codeDigest() ? Object.entries(kept.results) : []);
}

export async function keepTests(path: string, results: TestResults): Promise<void> {
  const kept: Kept = { code: codeDigest(), results: Object.fromEntries(results) };
  await writeFile(path, JSON.stringify(kept));
}
