import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { InterruptedError, TrainerError } from '../trainer/contract/process/errors.ts';
import { exitCodes } from '../trainer/contract/process/exit-codes.ts';
import { isDiskFull } from '../trainer/contract/process/full-disk.ts';
import { ClusterError } from './cluster/cluster-error.ts';
import { addApply } from './commands/apply.ts';
import { addApprove } from './commands/approve.ts';
import { addCertify } from './commands/certify.ts';
import { addDelete } from './commands/delete.ts';
import { addEvaluate } from './commands/evaluate.ts';
import { addExport } from './commands/export.ts';
import { addGenerate } from './commands/generate.ts';
import { addGet } from './commands/get.ts';
import { addGrade } from './commands/grade.ts';
import { addInspect } from './commands/inspect.ts';
import { addLogs } from './commands/logs.ts';
import { addReport } from './commands/report.ts';
import { addRerun } from './commands/rerun.ts';
import { addReview } from './commands/review.ts';
import { addRun } from './commands/run.ts';
import { addRetry } from './commands/retry.ts';
import { addSamples } from './commands/samples.ts';
import { addServe } from './commands/serve.ts';
import { addResume, addSuspend } from './commands/suspend.ts';
import { addValidate } from './commands/validate.ts';
import { addVerify } from './commands/verify.ts';
import { cliExitCodes } from './exit-codes.ts';
import { isPlugin, programName } from './invocation.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const onThisMachine = [
  addRun,
  addInspect,
  addVerify,
  addReport,
  addSamples,
  addGenerate,
  addServe,
  addEvaluate,
  addExport,
  addGrade,
  addCertify,
];
const onClusters = [addApply, addSuspend, addResume, addRetry, addRerun, addDelete];
const onBoth = [addValidate, addGet, addLogs, addApprove, addReview];

const program = new Command(programName)
  .description('Trains reasoning models the way DeepSeek-R1 was trained, from one R1Pipeline manifest.')
  .version(version, '-V, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .showHelpAfterError(`(${programName} --help lists the commands)`)
  .exitOverride();

if (!isPlugin) addGroup('On this machine:', onThisMachine);
addGroup(isPlugin ? 'Pipelines:' : 'On this machine, or on a cluster:', onBoth);
addGroup(isPlugin ? 'Changes:' : 'On a cluster:', onClusters);

function addGroup(heading: string, commands: readonly ((program: Command) => void)[]): void {
  program.commandsGroup(heading);
  for (const add of commands) add(program);
}

// `r1 get | head` closes the pipe early, which is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? undefined : exitCodeOf(error));
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

/** Says what went wrong, in one line if a person can act on it. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? cliExitCodes.ok : cliExitCodes.userError;
  if (error instanceof InterruptedError) return explained(error, cliExitCodes.interrupted);
  if (error instanceof TrainerError) return explained(error, exitCodes[error.reason]);
  if (error instanceof ClusterError) return explained(error, error.exitCode);
  if (isDiskFull(error)) return explained(error, exitCodes.diskFull);
  if (isRefused(error)) return explained(error, cliExitCodes.userError);
  console.error(error);
  return cliExitCodes.internalError;
}

function explained(error: unknown, code: number): number {
  console.error(`r1: ${(error as Error).message}`);
  return code;
}

/** The system says no for a reason that a person can change, such as permissions. */
function isRefused(error: unknown): boolean {
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException;
  return ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENAMETOOLONG', 'ELOOP'].includes(code);
}
