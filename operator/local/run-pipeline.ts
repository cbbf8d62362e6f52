import { lockDirectory } from '../../trainer/contract/files/directory-lock.ts';
import { AnotherWriterError, UserError } from '../../trainer/contract/process/errors.ts';
import { namingFullDisk } from '../../trainer/contract/process/full-disk.ts';
import { formatPath } from '../api/check/value-problem.ts';
import { missingFiles, missingModels } from './check-files.ts';
import { Run } from './run.ts';
import type { RunOptions } from './run-options.ts';
import type { RunResult } from './run-result.ts';
import { StateDirectory } from './state-directory.ts';

/**
 * Runs a pipeline on this machine until it ends, fails, waits for a person or is told to stop. What an earlier run
 * finished is not done again; what it began is resumed from its newest checkpoint.
 *
 * @throws UserError when a file is missing, the state cannot be written, another process runs the pipeline, or
 *   `rerunFrom` names what is no stage; DiskFullError
 */
export async function runPipeline(options: RunOptions): Promise<RunResult> {
  const { manifest, manifestFile, rerunFrom = [] } = options;
  const missing = [...(await missingFiles(manifest, manifestFile)), ...missingModels(manifest)];
  if (missing.length > 0) {
    const lines = missing.map(({ path, message }) => `${manifestFile}: ${formatPath(path)}: ${message}`);
    throw new UserError(lines.join('\n'));
  }
  const names = manifest.spec.stages.map(({ name }) => name);
  const unknown = rerunFrom.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new UserError(`cannot run again from "${unknown}", expected a stage of ${manifestFile}: ${names.join(', ')}`);
  }

  return namingFullDisk(options.stateDir, undefined, async () => {
    const state = await StateDirectory.make(options.stateDir, manifest.metadata.name);
    try {
      return await runAlone(options, state);
    } catch (error) {
      // A person has started both.
      throw error instanceof AnotherWriterError ? new UserError(error.message, { cause: error }) : error;
    }
  });
}

async function runAlone(options: RunOptions, state: StateDirectory): Promise<RunResult> {
  const { signal, onEvent } = options;
  const onWait = (message: string): void => onEvent?.({ type: 'note', message });
  const lock = await lockDirectory(state.lock, { onWait, ...(signal && { signal }) });
  try {
    return await new Run(options, state, lock).run();
  } finally {
    await lock.release();
  }
}
