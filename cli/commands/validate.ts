import type { Command } from 'commander';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { cliExitCodes } from '../exit-codes.ts';
import { describe, readManifestFile } from '../manifest-file.ts';

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
  try {
    const { pipelines, stages, problems, warnings } = await readManifestFile(file);
    for (const problem of problems) console.error(describe(problem));
    if (problems.length === 0) {
      for (const warning of warnings) console.error(`${file}: warning: ${warning}`);
      for (const { kind, metadata } of [...pipelines, ...stages])
        console.log(`${file}: ${kind} ${metadata.name} is valid`);
    }
    return problems.length;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    return 1;
  }
}
