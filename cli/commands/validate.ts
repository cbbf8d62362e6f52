import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import type { Command } from 'commander';
import { type ManifestProblem, validateManifest } from '../../operator/api/manifest.ts';
import { cliExitCodes } from '../exit-codes.ts';

export function addValidate(program: Command): void {
  program
    .command('validate')
    .description('report every problem of manifests: path, what was found, what was expected')
    .argument('<files...>', 'manifests; - is stdin')
    .action(async (files: string[]) => {
      let problems = 0;
      for (const file of files) problems += await validateFile(file);
      if (problems > 0) process.exitCode = cliExitCodes.userError;
    });
}

/** @returns the number of problems, each of which was printed to stderr */
async function validateFile(file: string): Promise<number> {
  let text: string;
  try {
    text = file === '-' ? await textOf(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    console.error(`${file}: cannot be read: ${(error as Error).message}`);
    return 1;
  }
  const { pipelines, stages, problems } = validateManifest(text, file);
  for (const problem of problems) console.error(describe(problem));
  if (problems.length === 0) {
    for (const { kind, metadata } of [...pipelines, ...stages])
      console.log(`${file}: ${kind} ${metadata.name} is valid`);
  }
  return problems.length;
}

/** `FILE:LINE:COLUMN: PATH: what is wrong`, which editors can jump to. */
export function describe({ file, line, column, message }: ManifestProblem): string {
  const position = line === undefined ? '' : `:${line}:${column ?? 1}`;
  return `${file}${position}: ${message}`;
}
