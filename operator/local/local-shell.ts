import { readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { resultName } from '../../trainer/contract/files/checkpoint.ts';
import type { Device } from '../../trainer/contract/settings/device.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';
import type { ProgressLine } from '../../trainer/contract/files/progress.ts';
import { succeededStatus } from '../api/resources/conditions.ts';
import { annotations } from '../api/resources/metadata.ts';
import type { PipelineStatus, R1Pipeline } from '../api/resources/pipeline.ts';
import { type FileContents, inputsOf, type R1Stage, type StageStatus } from '../api/resources/stage.ts';
import { withApprovals } from '../core/pipeline/approval.ts';
import type { PipelineAction } from '../core/pipeline/decide-pipeline.ts';
import type { StageAction } from '../core/stage/stage-decision.ts';
import type { AttemptObserved, PipelineObserved, StageObserved, StopReason } from '../core/observed.ts';
import { stageFile } from '../core/pipeline/plan.ts';
import type { Shell } from '../reconciler.ts';
import { AttemptProcess, readOutcome } from './attempt-process.ts';
import { findInHubCache } from './hub-cache.ts';
import { parseProgress } from './log-follower.ts';
import { prepareRollout } from './rollout-processes.ts';
import { writeJson, type StateDirectory } from './state-directory.ts';

export interface LocalShellOptions {
  readonly state: StateDirectory;
  readonly pipeline: R1Pipeline;
  /** With the status that they had when the last run ended. */
  readonly stages: readonly R1Stage[];
  /** What the data files held when the run began. */
  readonly contents: FileContents;
  /** Paths in the manifest are relative to it. */
  readonly manifestFile: string;
  readonly trainer: readonly string[];
  readonly workers?: number | undefined;
  readonly device?: Device | undefined;
  readonly graceMs?: number | undefined;
  readonly maxRunningStages: number;
  onAttemptStarted(stage: string, attempt: number, log: string): void;
  onProgress(stage: string, attempt: number, progress: ProgressLine): void;
  /** A stage goes on with other settings; the sentence says why. */
  onStageUpdated(why: string): void;
  /** Something happened that a pass should see. */
  onChange(): void;
  /** A status was written. */
  onStatus(): void;
}

/** One machine as a Shell: a directory is a volume, a child process is a Job. Stage keys are the names of stages. */
export class LocalShell implements Shell {
  private readonly options: LocalShellOptions;
  private readonly state: StateDirectory;
  private readonly attempts = new Map<string, AttemptProcess>();
  /** Why the output of a finished stage cannot be used; looked at once, when the run began. */
  readonly damage = new Map<string, string>();
  private readonly stagesByName: Map<string, R1Stage>;
  pipeline: R1Pipeline;

  constructor(options: LocalShellOptions) {
    this.options = options;
    this.state = options.state;
    this.pipeline = options.pipeline;
    this.stagesByName = new Map(options.stages.map((stage) => [stage.spec.stage, stage]));
  }

  /** In the order of the manifest. */
  get stages(): R1Stage[] {
    return this.pipeline.spec.stages.flatMap(({ name }) => this.stagesByName.get(name) ?? []);
  }

  async observePipeline(): Promise<PipelineObserved> {
    const { pipeline, stages, options } = this;
    const approved = await this.state.approved();
    return {
      now: Date.now(),
      pipeline: withApprovals(withoutWishesToAnOperator(pipeline), approved),
      stages,
      contents: options.contents,
      maxRunningStages: options.maxRunningStages,
    };
  }

  async applyToPipeline(_observed: PipelineObserved, action: PipelineAction): Promise<void> {
    switch (action.kind) {
      case 'CreateStage': {
        const metadata = { ...action.stage.metadata, generation: 1, creationTimestamp: new Date().toISOString() };
        return this.writeStage({ ...action.stage, metadata });
      }
      case 'UpdateStage': {
        const { metadata } = action.stage;
        this.options.onStageUpdated(action.why);
        return this.writeStage({
          ...action.stage,
          metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 },
        });
      }
      case 'SuspendStage': {
        const stage = this.stages.find((each) => each.metadata.name === action.name);
        if (stage === undefined) return;
        const generation = (stage.metadata.generation ?? 0) + 1;
        return this.writeStage({
          ...stage,
          metadata: { ...stage.metadata, generation },
          spec: { ...stage.spec, suspend: action.suspend },
        });
      }
      case 'RetainVolume':
        return; // nothing here is deleted by itself
      case 'DeleteStages':
      case 'ClearRerun':
      case 'DeletePipeline':
        throw new Error(`${action.kind}: nothing on one machine asks for it`);
    }
  }

  async savePipelineStatus(_observed: PipelineObserved, status: PipelineStatus): Promise<void> {
    await this.writePipeline({ ...this.pipeline, status });
    this.options.onStatus();
  }

  async observeStage(name: string): Promise<StageObserved | undefined> {
    const stage = this.stagesByName.get(name);
    if (stage === undefined) return undefined;
    const damage = this.damage.get(name);
    const inputProblem = this.inputProblem(stage);
    return {
      now: Date.now(),
      stage,
      attempts: await this.observeAttempts(stage),
      ...(damage === undefined ? {} : { damage }),
      ...(inputProblem === undefined ? {} : { inputProblem }),
    };
  }

  /** An input whose stage is run again is not there, or is another one than was pinned. */
  private inputProblem({ spec }: R1Stage): string | undefined {
    for (const input of inputsOf(spec)) {
      const status = this.stagesByName.get(input.stage)?.status;
      const finished = succeededStatus(status?.conditions) === 'True';
      if (!finished || this.damage.has(input.stage)) return `waits for ${input.stage}, which is run again`;
      if (status?.checkpoint?.digest !== input.digest) return `the output of ${input.stage} is not the pinned one`;
    }
    return undefined;
  }

  async applyToStage({ stage: { spec } }: StageObserved, action: StageAction): Promise<void> {
    const { stage: name } = spec;
    if (action.kind === 'StopAttempt') this.attempts.get(name)?.stop(action.reason);
    else if (action.kind === 'StartAttempt') await this.startAttempt(name, action.attempt);
  }

  async saveStageStatus({ stage }: StageObserved, status: StageStatus): Promise<true> {
    await this.writeStage({ ...stage, status });
    this.options.onStatus();
    return true;
  }

  async writeStage(stage: R1Stage): Promise<void> {
    this.stagesByName.set(stage.spec.stage, stage);
    await this.state.writeStage(stage);
  }

  async writePipeline(pipeline: R1Pipeline): Promise<void> {
    this.pipeline = pipeline;
    await this.state.writePipeline(pipeline);
  }

  /** A trainer runs. */
  get isRunning(): boolean {
    return [...this.attempts.values()].some((attempt) => attempt.observe().state !== 'ended');
  }

  /** Asks every running attempt to end; settles when all are gone. */
  async stopAll(reason: StopReason): Promise<void> {
    for (const attempt of this.attempts.values()) attempt.stop(reason);
    await Promise.all([...this.attempts.values()].map(({ ended }) => ended));
  }

  killAll(): void {
    for (const attempt of this.attempts.values()) attempt.kill();
  }

  private async observeAttempts(stage: R1Stage): Promise<AttemptObserved[]> {
    const { stage: name } = stage.spec;
    const process = this.attempts.get(name);
    if (process !== undefined) return [process.observe()];
    // A former run began it. No process of it is left, as orphans were ended first; what it wrote is all there is.
    const number = await this.state.newestAttempt(name);
    const recorded = stage.status?.attempts.find((each) => each.number === number);
    if (number === 0 || (recorded !== undefined && recorded.outcome !== 'Running')) return [];
    const [begun, log] = await Promise.all([
      stat(this.state.file(name, number)),
      stat(this.state.log(name, number)).catch(() => undefined),
    ]);
    const progress = await lastProgress(this.state.log(name, number));
    return [
      {
        number,
        state: 'ended',
        startedAt: begun.mtimeMs,
        endedAt: Math.max(begun.mtimeMs, log?.mtimeMs ?? 0),
        gpus: 0,
        ...(progress === undefined ? {} : { progress }),
        ...(await readOutcome(this.state.volume(name))),
      },
    ];
  }

  private async startAttempt(name: string, number: number): Promise<void> {
    const stage = this.stagesByName.get(name);
    if (stage === undefined) return;
    const out = this.state.volume(name);
    const file = this.state.file(name, number);
    const log = this.state.log(name, number);
    const { options } = this;
    const rollout = wantsRolloutWorkers(stage) ? await prepareRollout(this.state.token(name, number)) : undefined;
    const manifestFolder = dirname(resolve(options.manifestFile));
    const content = stageFile(stage, number, {
      resolve: (path) => resolve(manifestFolder, path),
      input: (input) => join(this.state.volume(input.stage), input.path),
      fetched: ({ hf, pvc }) => {
        const found = hf && findInHubCache(hf);
        if (found === undefined)
          throw new UserError(`stage ${name}: the model ${hf?.repo ?? pvc?.claim} is not on this machine`);
        return found;
      },
      out,
      workers: options.workers,
      device: options.device,
      ...(rollout === undefined ? {} : { rollout }),
    });
    // A result that is there later is then this attempt's own.
    await rm(join(out, resultName), { force: true });
    await writeJson(file, content);
    const attempt = await AttemptProcess.start({
      command: options.trainer,
      number,
      file,
      log,
      out,
      graceMs: options.graceMs,
      rolloutWorkers: rollout && {
        command: options.trainer,
        count: stage.spec.rolloutWorkers,
        rollout,
        device: content.device,
        log: (worker) => this.state.rolloutLog(name, number, worker),
      },
      onProgress: (progress) => options.onProgress(name, number, progress),
      onEnd: () => {
        this.damage.delete(name);
        options.onChange();
      },
    });
    this.attempts.set(name, attempt);
    options.onAttemptStarted(name, number, log);
  }
}

/** Whoever runs a pipeline here says what runs again, and deletes what is no longer wanted. */
function withoutWishesToAnOperator({ spec, metadata, ...pipeline }: R1Pipeline): R1Pipeline {
  const { ttlSecondsAfterFinished: _succeeded, ttlSecondsAfterFailed: _failed, ...kept } = spec;
  const { [annotations.rerunFrom]: __, ...others } = metadata.annotations ?? {};
  return { ...pipeline, spec: kept, metadata: { ...metadata, annotations: others } };
}

/** Only completions can be generated elsewhere. */
function wantsRolloutWorkers({ spec }: R1Stage): boolean {
  return spec.rolloutWorkers > 0 && (spec.grpo !== undefined || spec.sample !== undefined);
}

async function lastProgress(log: string): Promise<ProgressLine | undefined> {
  const text = await readFile(log, 'utf8').catch(() => '');
  for (const line of text.split('\n').toReversed()) {
    const progress = parseProgress(line);
    if (progress !== undefined) return progress;
  }
  return undefined;
}
