import type { PipelineStatus, R1Pipeline } from '../../../../operator/api/resources/pipeline.ts';
import type { R1Stage, StageStatus } from '../../../../operator/api/resources/stage.ts';
import type { PipelineAction } from '../../../../operator/core/pipeline/decide-pipeline.ts';
import type { StageAction } from '../../../../operator/core/stage/stage-decision.ts';
import { digestOf } from '../../../../operator/core/names.ts';
import type { AttemptObserved, PipelineObserved, Refusal, StageObserved } from '../../../../operator/core/observed.ts';
import { attemptDigest, settingsDigest } from '../../../../operator/core/settings-digest.ts';
import { findCondition } from '../../../../operator/api/resources/conditions.ts';
import type { Shell } from '../../../../operator/reconciler.ts';
import { now } from '../../../support/stages.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface WorldStage {
  object: R1Stage;
  /** Those that left traces. */
  attempts: Mutable<AttemptObserved>[];
}

/** A world without anything but the objects that decisions are about; whoever looks checks that what is decided is right. */
export class World implements Shell {
  now = now;
  pipeline: R1Pipeline;
  readonly stages = new Map<string, WorldStage>();
  refusal: Refusal | undefined;
  readonly maxRunningStages: number;
  private uids = 0;

  constructor(pipeline: R1Pipeline, maxRunningStages: number) {
    this.pipeline = { ...pipeline, metadata: { ...pipeline.metadata, generation: 1 } };
    this.maxRunningStages = maxRunningStages;
  }

  /** Attempts that something of is left to run. */
  get live(): Mutable<AttemptObserved>[] {
    return [...this.stages.values()].flatMap(({ attempts }) => attempts.filter(({ state }) => state !== 'ended'));
  }

  pipelineObserved(): PipelineObserved {
    const { now: time, pipeline, maxRunningStages, refusal } = this;
    const stages = [...this.stages.values()].map(({ object }) => object);
    return { now: time, pipeline, stages, maxRunningStages, ...(refusal && { refusal }) };
  }

  stageObserved(name: string): StageObserved | undefined {
    const found = this.stages.get(name);
    if (found === undefined) return undefined;
    const inputProblem = this.inputProblem(found.object);
    const { now: time, refusal } = this;
    return {
      now: time,
      stage: found.object,
      attempts: found.attempts.map((each) => ({ ...each })),
      ...(inputProblem === undefined ? {} : { inputProblem }),
      ...(refusal && { refusal }),
    };
  }

  private inputProblem({ spec }: R1Stage): string | undefined {
    for (const input of [...(spec.model?.input === undefined ? [] : [spec.model.input]), ...spec.inputs]) {
      const status = this.stages.get(input.stage)?.object.status;
      if (findCondition(status?.conditions, 'Succeeded')?.status !== 'True') return `waits for ${input.stage}`;
      if (status?.checkpoint?.digest !== input.digest) return `the output of ${input.stage} is not the pinned one`;
    }
    return undefined;
  }

  async observePipeline(): Promise<PipelineObserved> {
    return this.pipelineObserved();
  }

  async observeStage(name: string): Promise<StageObserved | undefined> {
    return this.stageObserved(name);
  }

  async applyToPipeline(_observed: PipelineObserved, action: PipelineAction): Promise<void> {
    switch (action.kind) {
      case 'CreateStage': {
        const { stage } = action;
        if (this.stages.has(stage.spec.stage)) return;
        const owned = { ownerReferences: [{ kind: 'R1Pipeline' }] };
        const metadata = { ...stage.metadata, ...owned, uid: `uid-${++this.uids}`, generation: 1 };
        this.stages.set(stage.spec.stage, { object: { ...stage, metadata }, attempts: [] });
        return;
      }
      case 'UpdateStage': {
        const found = this.stages.get(action.stage.spec.stage);
        if (found !== undefined) this.replace(found, { ...action.stage, status: found.object.status });
        return;
      }
      case 'SuspendStage': {
        const found = [...this.stages.values()].find(({ object }) => object.metadata.name === action.name);
        if (found === undefined) return;
        const { object } = found;
        this.replace(found, { ...object, spec: { ...object.spec, suspend: action.suspend } });
        return;
      }
      case 'DeleteStages':
        for (const [name, { object }] of this.stages) {
          if (action.names.includes(object.metadata.name)) this.stages.delete(name);
        }
        return;
      case 'ClearRerun': {
        const { metadata } = this.pipeline;
        const kept = Object.entries({ ...metadata.annotations, ...action.annotations }).filter(
          ([, each]) => each !== null,
        );
        const given = Object.fromEntries(kept) as Record<string, string>;
        this.pipeline = { ...this.pipeline, metadata: { ...metadata, annotations: given } };
        return;
      }
      case 'RetainVolume':
        return;
      case 'DeletePipeline':
        throw new Error('nothing here asks for it');
    }
  }

  replace(stage: WorldStage, object: R1Stage): void {
    const { metadata } = stage.object;
    const changed = digestOf(object.spec) !== digestOf(stage.object.spec);
    const generation = (metadata.generation ?? 0) + (changed ? 1 : 0);
    stage.object = { ...object, metadata: { ...metadata, ...object.metadata, generation } };
  }

  ask(asked: R1Pipeline): void {
    const { generation = 0 } = this.pipeline.metadata;
    const isOther = asked.spec !== this.pipeline.spec;
    this.pipeline = { ...asked, metadata: { ...asked.metadata, generation: generation + (isOther ? 1 : 0) } };
  }

  async applyToStage({ stage }: StageObserved, action: StageAction): Promise<void> {
    const found = this.stages.get(stage.spec.stage);
    if (found === undefined) return;
    const attempt = found.attempts.find((each) => each.number === action.attempt);
    if (action.kind === 'StopAttempt') {
      if (attempt !== undefined) attempt.stopping ??= action.reason;
      if (attempt?.state === 'pending') Object.assign(attempt, { state: 'ended', endedAt: this.now });
      return;
    }
    if (attempt !== undefined) return;
    const { spec } = found.object;
    found.attempts.push({
      number: action.attempt,
      state: 'pending',
      startedAt: this.now,
      gpus: 1,
      madeFrom: attemptDigest(spec),
      settings: settingsDigest(spec),
    });
  }

  async savePipelineStatus(_observed: PipelineObserved, status: PipelineStatus): Promise<void> {
    this.pipeline = { ...this.pipeline, status };
  }

  async saveStageStatus({ stage }: StageObserved, status: StageStatus): Promise<true> {
    const found = this.stages.get(stage.spec.stage);
    if (found !== undefined) found.object = { ...found.object, status };
    return true;
  }
}
