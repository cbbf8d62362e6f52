import { annotations } from '../../api/metadata.ts';
import type { R1Stage } from '../../api/stage.ts';
import type { StageDefaults } from '../../api/stage-defaults.ts';
import { hasNotEnded } from '../../core/attempts.ts';
import { learnerServiceName, rolloutJobName } from '../../core/names.ts';
import { tellsApart } from '../../../trainer/contract/digest-version.ts';
import { attemptDigest } from '../../core/settings-digest.ts';
import type { AssumeCache } from '../client/assume-cache.ts';
import type { KubeClient } from '../client/client.ts';
import { createOwned, RefusedError } from '../client/create-owned.ts';
import type { EventRecorder } from '../client/events.ts';
import { ignoreNotFound } from '../client/api-error.ts';
import { attemptOf } from '../objects/attempt-job.ts';
import { madeFromAnnotation } from '../objects/labels.ts';
import { rolloutJob } from '../objects/rollout-job.ts';
import { jobs, networkPolicies, services, type Job, type Stored } from '../client/resources.ts';
import { stages } from '../objects/r1-kinds.ts';
import { withStageDefaults } from './stage-defaults.ts';
import { idOf, isTrainer } from '../objects/ownership.ts';
import { transformJob } from '../objects/transform.ts';

export interface RolloutWorkersOptions {
  readonly client: KubeClient;
  readonly jobs: AssumeCache<Job>;
  readonly events: EventRecorder;
  readonly defaults: StageDefaults;
  /** Image of the trainer for stages that name none. */
  readonly image: string;
}

/** Keeps the rollout workers of a stage in step with its attempts and its spec. */
export class RolloutWorkers {
  private readonly options: RolloutWorkersOptions;

  constructor(options: RolloutWorkersOptions) {
    this.options = options;
  }

  /**
   * An attempt gets workers once it has its own Job, so that they take no GPU from it. Those of one that has ended hold
   * nothing but GPUs. Those of a running one can become more or fewer. Where they are refused, it goes on without them.
   *
   * @returns milliseconds after which refused ones may be granted
   */
  async follow(stage: Stored<R1Stage>): Promise<number | undefined> {
    try {
      await this.keepInStep(stage);
      return undefined;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      const { message, retryAfterMs } = error;
      this.options.events.record(stages, stage, { type: 'Warning', reason: 'RolloutWorkersRefused', message });
      return retryAfterMs;
    }
  }

  private async keepInStep(stage: Stored<R1Stage>): Promise<void> {
    const ended = new Set(
      (stage.status?.attempts ?? []).filter((each) => !hasNotEnded(each)).map(({ number }) => number),
    );
    const all = this.options.jobs.byIndex(idOf(stage));
    const workers = all.filter((job) => !isTrainer(job));
    for (const job of workers) {
      if (job.metadata.deletionTimestamp !== undefined) continue;
      const number = attemptOf(job.metadata.labels);
      if (ended.has(number)) await this.remove(stage, number, job);
      else await this.resize(job, stage.spec.rolloutWorkers);
    }
    for (const job of all.filter(isTrainer)) {
      const number = attemptOf(job.metadata.labels);
      const hasWorkers = workers.some(({ metadata }) => attemptOf(metadata.labels) === number);
      if (!hasWorkers && !ended.has(number) && wantsWorkers(job, stage)) await this.create(stage, number);
    }
  }

  private async create(stage: Stored<R1Stage>, number: number): Promise<void> {
    const { client, jobs: cache, defaults, image } = this.options;
    const job = rolloutJob({ stage: withStageDefaults(stage, defaults), number, image });
    cache.assume(transformJob(await createOwned(client, jobs, job)));
  }

  /**
   * The Job goes last: as long as it is there, the others are looked for. The Secret, which opens nothing any more, goes
   * with its stage: the operator may make Secrets, and neither read nor delete any.
   */
  private async remove({ metadata }: Stored<R1Stage>, attempt: number, job: Stored<Job>): Promise<void> {
    const { client } = this.options;
    const { namespace } = metadata;
    const name = rolloutJobName(metadata.name, attempt);
    const service = learnerServiceName(metadata.name, attempt);
    await client.delete(services, { namespace, name: service }).catch(ignoreNotFound);
    await client.delete(networkPolicies, { namespace, name }).catch(ignoreNotFound);
    await client.delete(jobs, { namespace, name }, job.metadata.uid).catch(ignoreNotFound);
  }

  private async resize(job: Stored<Job>, workers: number): Promise<void> {
    if (workers === 0 || job.spec?.completions === workers) return;
    const patch = { spec: { completions: workers, parallelism: workers } };
    const resized = await this.options.client.mergePatch(jobs, job.metadata, patch).catch(ignoreNotFound);
    if (resized !== undefined) this.options.jobs.assume(transformJob(resized));
  }
}

/** It was made from a spec that asks for workers, and is to go on. */
function wantsWorkers({ metadata }: Stored<Job>, { spec }: R1Stage): boolean {
  const { deletionTimestamp, annotations: said = {} } = metadata;
  return (
    spec.rolloutWorkers > 0 &&
    deletionTimestamp === undefined &&
    said[annotations.stopReason] === undefined &&
    !tellsApart(said[madeFromAnnotation], attemptDigest(spec))
  );
}
