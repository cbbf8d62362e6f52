import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { TrainerError } from '../trainer/contract/errors.ts';
import { exitCodes } from '../trainer/contract/exit-codes.ts';
import { addApprove } from './commands/approve.ts';
import { addEvaluate } from './commands/evaluate.ts';
import { addGenerate } from './commands/generate.ts';
import { addGet } from './commands/get.ts';
import { addInspect } from './commands/inspect.ts';
import { addLogs } from './commands/logs.ts';
import { addReport } from './commands/report.ts';
import { addRun } from './commands/run.ts';
import { addValidate } from './commands/validate.ts';
import { cliExitCodes } from './exit-codes.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('r1')
  .description('Trains reasoning models the way DeepSeek-R1 was trained, from one R1Pipeline manifest.')
  .version(version, '-V, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .showHelpAfterError('(r1 --help lists the commands)')
  .exitOverride();

for (const add of [addRun, addApprove, addValidate, addGet, addLogs, addInspect, addReport, addGenerate, addEvaluate])
  add(program);

// `r1 get | head` closes the pipe early, which is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

/** Says what went wrong, in one line if a person can act on it. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? cliExitCodes.ok : cliExitCodes.userError;
  if (error instanceof TrainerError) {
    console.error(`r1: ${error.message}`);
    return exitCodes[error.reason];
  }
  console.error(error);
  return cliExitCodes.internalError;
}
