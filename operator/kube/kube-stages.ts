import { stateOf } from '../api/display.ts';
import type { R1Stage, StageStatus } from '../api/resources/stage.ts';
import type { Clock } from '../clock.ts';
import { isGoing } from '../core/deletion.ts';
import type { StageAction } from '../core/stage/stage-decision.ts';
import type { StageObserved } from '../core/observed.ts';
import { endChanged, recordsEnd, type StageShell } from '../reconciler.ts';
import { Attempts, type AttemptsOptions } from './apply/attempts.ts';
import { Refusals } from './apply/refusals.ts';
import { RolloutWorkers } from './apply/rollout-workers.ts';
import { endedAttempts, stageEvents } from './apply/status-events.ts';
import { StatusWriter, type StatusWriterOptions } from './apply/status-writer.ts';
import { refuse, RefusedError } from './client/create-owned.ts';
import type { EventRecorder } from './client/events.ts';
import { keyOf, type Stored } from './client/resources.ts';
import type { Logger } from './logger.ts';
import type { OperatorMetrics } from './metrics.ts';
import { namedPipelineOf } from './objects/ownership.ts';
import { stages } from './objects/r1-kinds.ts';
import { observeStage, type StageSources } from './observe/observe-stage.ts';
import { isStillThere } from './predicates.ts';

export interface KubeStagesOptions extends StageSources, AttemptsOptions {
  readonly events: EventRecorder;
  readonly metrics: OperatorMetrics;
  readonly logger: Logger;
  /** A pass for a stage should follow. */
  readonly requeueAfter: (key: string, afterMs: number) => void;
  readonly onPruned: StatusWriterOptions<R1Stage, StageStatus>['onPruned'];
  readonly clock: Clock;
}

/** Another state is worth a look; how far a stage is can wait. */
const settleMs = { state: 1000, progress: 5000 };

export interface KubeStageObserved extends StageObserved {
  readonly stage: Stored<R1Stage>;
}

/** Stages on a cluster: a Job is an attempt. Keys are `namespace/name`. */
export class KubeStages implements StageShell<KubeStageObserved> {
  private readonly options: KubeStagesOptions;
  private readonly refusals = { attempt: new Refusals(), stop: new Refusals(), rollout: new Refusals() };
  private readonly attempts: Attempts;
  private readonly rolloutWorkers: RolloutWorkers;
  private readonly statuses: StatusWriter<R1Stage, StageStatus>;

  constructor(options: KubeStagesOptions) {
    this.options = options;
    this.attempts = new Attempts(options);
    this.rolloutWorkers = new RolloutWorkers(options);
    this.statuses = new StatusWriter({
      ...options,
      kind: stages,
      objects: options.stages,
      settleMs: settleMsOf,
      eventsOf: stageEvents,
    });
  }

  /** There is no such stage any more: another object for the same stage may have waited for that. */
  forget(stage: Stored<R1Stage>): void {
    const key = keyOf(stage);
    this.statuses.forget(key);
    for (const refusals of Object.values(this.refusals)) refusals.forget(key);
    for (const other of this.options.stages.byIndex(namedPipelineOf(stage))) {
      if (other.spec.stage !== stage.spec.stage) continue;
      this.refusals.attempt.forget(keyOf(other));
      this.options.requeueAfter(keyOf(other), 0);
    }
  }

  async observeStage(key: string): Promise<KubeStageObserved | undefined> {
    const stage = this.options.stages.get(key);
    if (stage === undefined || isGoing(stage.metadata)) return undefined;
    const observed = await observeStage(stage, this.options, Date.now());
    const { refusal: stopRefusal } = this.refusals.stop.get(key, stage);
    const { refusal: rolloutRefusal } = this.refusals.rollout.get(key, stage);
    return {
      ...observed,
      stage,
      ...this.refusals.attempt.get(key, stage),
      ...(stopRefusal === undefined ? {} : { stopRefusal }),
      ...(rolloutRefusal === undefined ? {} : { rolloutRefusal }),
    };
  }

  async applyToStage({ stage }: KubeStageObserved, action: StageAction): Promise<void> {
    const key = keyOf(stage);
    if (!isStillThere(stage, this.options.stages.get(key))) return;
    try {
      await this.act(key, stage, action);
      const { kind, ...what } = action;
      this.options.logger.info('acted', { stage: key, action: kind, ...what });
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (action.kind === 'StartAttempt') this.refusals.attempt.add(key, stage, error);
      else if (action.kind === 'StopAttempt') this.refusals.stop.add(key, stage, error);
      else this.rolloutsAreRefused(key, stage, error);
      this.options.requeueAfter(key, 0);
    }
  }

  private async act(key: string, stage: Stored<R1Stage>, action: StageAction): Promise<void> {
    switch (action.kind) {
      case 'StartAttempt':
        await this.attempts.start(stage, action.attempt);
        return this.refusals.attempt.forget(key);
      case 'StopAttempt':
        await this.attempts.stop(stage, action.attempt, action.reason).catch(refuse);
        this.refusals.stop.forget(key);
        return this.refusals.attempt.forget(key);
      case 'RemoveAttempt':
        return this.attempts.remove(stage, action.attempt, action.graceSeconds);
      default:
        await this.rolloutWorkers.apply(stage, action);
        return this.refusals.rollout.forget(key);
    }
  }

  private rolloutsAreRefused(key: string, stage: Stored<R1Stage>, error: RefusedError): void {
    const { message } = error;
    this.refusals.rollout.add(key, stage, error);
    this.options.events.record(stages, stage, { type: 'Warning', reason: 'RolloutWorkersRefused', message });
  }

  async saveStageStatus({ stage }: KubeStageObserved, status: StageStatus): Promise<boolean> {
    const saved = await this.statuses.save(stage, status);
    if (saved === undefined) return false;
    for (const { outcome, class: cause } of endedAttempts(stage.status, status)) {
      this.options.metrics.attemptEnded(outcome, cause);
    }
    return true;
  }
}

/** Programs wait for the end, and what is left of an attempt goes once its end is recorded. */
function settleMsOf(before: StageStatus | undefined, after: StageStatus): number {
  if (endChanged(before, after) || recordsEnd(before?.attempts, after.attempts)) return 0;
  if (before === undefined) return settleMs.state; // a table has no state to show
  return stateOf(before.conditions) === stateOf(after.conditions) ? settleMs.progress : settleMs.state;
}
