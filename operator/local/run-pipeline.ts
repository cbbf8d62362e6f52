import { UserError } from '../../trainer/contract/errors.ts';
import { namingFullDisk } from '../../trainer/contract/full-disk.ts';
import type { ProgressLine } from '../../trainer/contract/progress.ts';
import type { GateDecision, R1Pipeline } from '../api/pipeline.ts';
import type { AttemptRecord, R1Stage } from '../api/stage.ts';
import { formatPath } from '../api/value-problem.ts';
import { missingFiles, missingModels } from './check-files.ts';
import { Run } from './run.ts';
import { takeRunLock } from './run-lock.ts';
import { StateDirectory } from './state-directory.ts';

/** What happens during a run, for whoever shows it. */
export type RunEvent =
  /** Some status changed. */
  | { readonly type: 'state'; readonly pipeline: R1Pipeline; readonly stages: readonly R1Stage[] }
  | { readonly type: 'attemptStarted'; readonly stage: string; readonly attempt: number; readonly log: string }
  | { readonly type: 'progress'; readonly stage: string; readonly attempt: number; readonly progress: ProgressLine }
  | { readonly type: 'attemptEnded'; readonly stage: string; readonly record: AttemptRecord; readonly log: string }
  | { readonly type: 'gate'; readonly gate: GateDecision }
  /** A sentence for people. */
  | { readonly type: 'note'; readonly message: string };

export interface RunOptions {
  /** As `validateManifest` gives it. */
  readonly manifest: R1Pipeline;
  /** Paths in the manifest are relative to its folder. */
  readonly manifestFile: string;
  /** Usually `.r1`. */
  readonly stateDir: string;
  /** Worker threads of the trainer, instead of those of the manifest. */
  readonly workers?: number | undefined;
  /** Forget this stage and all that use what it gives, and run them again. */
  readonly rerunFrom?: string | undefined;
  /** Independent stages that run at the same time (1); they share the cores, so that more seldom help. */
  readonly maxRunningStages?: number | undefined;
  /** The trainer and its leading arguments; `run --stage FILE` is added. */
  readonly trainer?: readonly string[] | undefined;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  /** Aborted: the trainer saves and ends, then the run ends. */
  readonly signal?: AbortSignal | undefined;
  /** Aborted: the trainer is killed at once. */
  readonly killSignal?: AbortSignal | undefined;
  /** How long a trainer that must end has to save: 10 s if it hangs, 120 s if its runner is gone, else 300 s. */
  readonly graceMs?: number | undefined;
}

export interface RunResult {
  readonly outcome: 'Succeeded' | 'Failed' | 'Interrupted' | 'Suspended' | 'Waiting';
  readonly succeeded: boolean;
  /** Reason and message of the pipeline's condition. */
  readonly reason: string;
  readonly message: string;
  /** 0; 130 when interrupted; the trainer's code for the failure (64 user error, 65 … 67); else 1. */
  readonly exitCode: number;
  readonly pipeline: R1Pipeline;
  readonly stages: readonly R1Stage[];
}

/**
 * Runs a pipeline on this machine until it ends, fails, waits for a person or is told to stop. What an earlier run
 * finished is not done again; what it began is resumed from its newest checkpoint.
 *
 * @throws UserError when a file is missing, the state cannot be written, another process runs the pipeline, or
 *   `rerunFrom` is no stage; DiskFullError
 */
export async function runPipeline(options: RunOptions): Promise<RunResult> {
  const { manifest, manifestFile, rerunFrom } = options;
  const missing = [...(await missingFiles(manifest, manifestFile)), ...missingModels(manifest)];
  if (missing.length > 0) {
    const lines = missing.map(({ path, message }) => `${manifestFile}: ${formatPath(path)}: ${message}`);
    throw new UserError(lines.join('\n'));
  }
  const names = manifest.spec.stages.map(({ name }) => name);
  if (rerunFrom !== undefined && !names.includes(rerunFrom)) {
    throw new UserError(
      `cannot run again from "${rerunFrom}", expected a stage of ${manifestFile}: ${names.join(', ')}`,
    );
  }

  return namingFullDisk(options.stateDir, undefined, async () => {
    const state = await StateDirectory.make(options.stateDir, manifest.metadata.name);
    const lock = await takeRunLock(state.lock);
    try {
      return await new Run(options, state).run();
    } finally {
      await lock.release();
    }
  });
}
