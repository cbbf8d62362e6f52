import type { Device } from '../../trainer/contract/settings/device.ts';
import type { ProgressLine } from '../../trainer/contract/files/progress.ts';
import type { GateDecision, R1Pipeline } from '../api/resources/pipeline.ts';
import type { AttemptRecord, R1Stage } from '../api/resources/stage.ts';

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

/** How trainers run on this machine, instead of what the manifest says. */
export interface RunsHere {
  /** Worker threads. */
  readonly workers?: number | undefined;
  readonly device?: Device | undefined;
}

export interface RunOptions extends RunsHere {
  /** As `validateManifest` gives it. */
  readonly manifest: R1Pipeline;
  /** Paths in the manifest are relative to its folder. */
  readonly manifestFile: string;
  /** Usually `.r1`. */
  readonly stateDir: string;
  /** Forget these stages and all that use what they give, and run them again. */
  readonly rerunFrom?: readonly string[] | undefined;
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
