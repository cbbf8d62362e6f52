import { succeededStatus } from '../../api/resources/conditions.ts';
import { annotations } from '../../api/resources/metadata.ts';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import type { R1Stage } from '../../api/resources/stage.ts';
import type { StageDefaults } from '../../api/resources/stage-defaults.ts';
import { attemptName, claimNameOf } from '../../core/names.ts';
import type { StopReason } from '../../core/observed.ts';
import { attemptDigest } from '../../core/settings-digest.ts';
import { firstOwner, goneRuns } from '../../core/stage-runs.ts';
import { ignoreNotFound } from '../client/api-error.ts';
import type { AssumeCache } from '../client/assume-cache.ts';
import type { KubeClient } from '../client/client.ts';
import { RefusedError } from '../client/create-owned.ts';
import { jobs, keyIn, pods, type Job, type Pod, type Stored } from '../client/resources.ts';
import { attemptOf } from '../objects/attempt-job.ts';
import { idOf, isTrainer, namedPipelineOf, ownerOf, siblingsOf, stageIdOf } from '../objects/ownership.ts';
import { transformJob } from '../objects/transform.ts';
import { madeWith, withStageDefaults } from '../objects/stage-defaults.ts';
import { hasEnded } from '../objects/pod.ts';
import { startAttempt } from './start-attempt.ts';
import type { VolumeClaims } from './volume-claims.ts';

export interface AttemptsOptions {
  readonly client: KubeClient;
  readonly pipelines: AssumeCache<R1Pipeline>;
  /** By the `idOf` of their pipeline, and by `namedPipelineOf`. */
  readonly stages: AssumeCache<R1Stage>;
  readonly jobs: AssumeCache<Job>;
  /** By the `idOf` of their R1Stage. */
  readonly pods: { byIndex(stageId: string): readonly Stored<Pod>[] };
  readonly claims: VolumeClaims;
  /** Image of the trainer for stages that name none. */
  readonly image: string;
  readonly hubEndpoint: string | undefined;
  readonly defaults: StageDefaults;
}

/** A stage that another object has first is looked at again this often. */
const retryTakenMs = 30_000;
/** One whose pipeline is gone is collected soon; and of a new pipeline its watch may tell later than that of stages. */
const retryGoneMs = 2000;

/** Starts and ends the attempts of stages. */
export class Attempts {
  private readonly options: AttemptsOptions;

  constructor(options: AttemptsOptions) {
    this.options = options;
  }

  /** @throws RefusedError */
  async start(stage: Stored<R1Stage>, number: number): Promise<void> {
    const { client, claims, image, hubEndpoint, defaults, stages, jobs: cache } = this.options;
    const named = stages.byIndex(namedPipelineOf(stage));
    const first = firstOwner(stage, named);
    if (first !== undefined) throw new RefusedError(secondOwner(stage, first), retryTakenMs);
    const pipeline = this.pipelineOf(stage);
    const finished = siblingsOf(stage, stages)
      .filter((each) => each.metadata.uid !== stage.metadata.uid && succeededStatus(each.status?.conditions) === 'True')
      .map(({ spec }) => spec.stage);
    const job = await startAttempt(client, {
      stage: withStageDefaults(stage, defaults),
      number,
      madeFrom: attemptDigest(stage.spec),
      madeWith: madeWith(stage, defaults, image),
      image,
      claim: await claims.ensure(stage, pipeline, finished),
      goneRuns: goneRuns(pipeline, stage, named),
      hubEndpoint,
    });
    cache.assume(transformJob(job));
  }

  /**
   * The Job controller ends the pods of a Job past its deadline in order, and the Job stays to tell of it. One that a queue holds
   * back says so as well, and has ended by that.
   */
  async stop(stage: Stored<R1Stage>, attempt: number, reason: StopReason): Promise<void> {
    const { client, jobs: cache } = this.options;
    const { namespace } = stage.metadata;
    const name = attemptName(stage.metadata.name, attempt);
    const job = cache.get(keyIn(namespace, name)) ?? (await client.find(jobs, { namespace, name }));
    if (job === undefined || stageIdOf(job) !== idOf(stage)) return this.endOrphans(stage, attempt);
    if (reason === 'orphaned') return cache.assume(transformJob(job)); // the watch of pods was ahead of that of Jobs
    if (reason === 'volumeGone') this.forgetClaim(stage);
    const wasTold = job.metadata.annotations?.[annotations.stopReason] !== undefined;
    if (!wasTold) await this.order(job, reason);
  }

  /** Their Job is gone, which alone could end them in order; they get the time to save all the same. */
  private async endOrphans(stage: Stored<R1Stage>, attempt: number): Promise<void> {
    for (const { metadata } of this.podsThatGoOn(stage, attempt)) {
      await this.options.client.delete(pods, metadata, metadata.uid).catch(ignoreNotFound);
    }
  }

  private forgetClaim({ metadata: { namespace }, spec }: Stored<R1Stage>): void {
    this.options.claims.forget({ namespace, name: claimNameOf(spec) });
  }

  private async order(job: Stored<Job>, reason: StopReason): Promise<void> {
    const patch = {
      metadata: { annotations: { [annotations.stopReason]: reason } },
      spec: { activeDeadlineSeconds: 1 },
    };
    const stopped = await this.options.client.mergePatch(jobs, job.metadata, patch).catch(ignoreNotFound);
    if (stopped !== undefined) this.options.jobs.assume(transformJob(stopped));
  }

  /** Its pods go with its Job, or when their node answers, or is gone. */
  async remove(stage: Stored<R1Stage>, attempt: number, graceSeconds?: number): Promise<void> {
    const { namespace, name } = stage.metadata;
    const job = this.options.jobs.get(keyIn(namespace, attemptName(name, attempt)));
    // First, for it is the Job by which they are found when this has to be tried again.
    for (const { metadata } of graceSeconds === undefined ? [] : this.podsThatGoOn(stage, attempt)) {
      await this.options.client.delete(pods, metadata, metadata.uid, { graceSeconds }).catch(ignoreNotFound);
    }
    if (job !== undefined) await this.delete(job);
  }

  private podsThatGoOn(stage: Stored<R1Stage>, attempt: number): Stored<Pod>[] {
    const own = this.options.pods.byIndex(idOf(stage));
    return own.filter((pod) => isTrainer(pod) && attemptOf(pod.metadata.labels) === attempt && goesOn(pod));
  }

  private async delete({ metadata }: Stored<Job>): Promise<void> {
    await this.options.client.delete(jobs, metadata, metadata.uid).catch(ignoreNotFound);
  }

  /**
   * The pipeline that made a stage; undefined of one that was applied without one.
   *
   * @throws RefusedError where it is gone: what was begun now would outlive the stage, which goes as well
   */
  private pipelineOf({ metadata, spec }: Stored<R1Stage>): Stored<R1Pipeline> | undefined {
    const owner = ownerOf(metadata);
    if (owner === undefined) return undefined;
    const pipeline = this.options.pipelines.get(keyIn(metadata.namespace, spec.pipeline));
    if (pipeline?.metadata.uid === owner.uid) return pipeline;
    throw new RefusedError(`R1Pipeline ${owner.name}, which it belongs to, is gone`, retryGoneMs);
  }
}

/** Nobody has asked it to end. */
function goesOn(pod: Stored<Pod>): boolean {
  return !hasEnded(pod) && pod.metadata.deletionTimestamp === undefined;
}

function secondOwner({ spec }: R1Stage, first: R1Stage): string {
  const { pipeline, stage } = spec;
  return `stage ${stage} of pipeline ${pipeline} is R1Stage ${first.metadata.name} already: give spec.stage or spec.pipeline another name`;
}
