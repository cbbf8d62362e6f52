import type { R1Stage } from '../../api/resources/stage.ts';
import type { StageDefaults } from '../../api/resources/stage-defaults.ts';
import type { RolloutAction } from '../../core/stage/decide-rollout.ts';
import { attemptName, learnerServiceName, rolloutJobName } from '../../core/names.ts';
import type { AssumeCache } from '../client/assume-cache.ts';
import type { KubeClient } from '../client/client.ts';
import { createOwned } from '../client/create-owned.ts';
import { ignoreNotFound } from '../client/api-error.ts';
import { stages } from '../objects/r1-kinds.ts';
import { rolloutJob } from '../objects/rollout-job.ts';
import { jobs, keyIn, networkPolicies, services, type Job, type Stored } from '../client/resources.ts';
import { defaultImageOf, madeWith, withStageDefaults } from '../objects/stage-defaults.ts';
import { transformJob } from '../objects/transform.ts';

export interface RolloutWorkersOptions {
  readonly client: KubeClient;
  readonly jobs: AssumeCache<Job>;
  readonly defaults: StageDefaults;
  /** Image of the trainer for stages that name none. */
  readonly image: string;
}

/** Does what was decided about the rollout workers of a stage. */
export class RolloutWorkers {
  private readonly options: RolloutWorkersOptions;

  constructor(options: RolloutWorkersOptions) {
    this.options = options;
  }

  /** @throws RefusedError */
  async apply(stage: Stored<R1Stage>, action: RolloutAction): Promise<void> {
    if (action.kind === 'StartRolloutWorkers') return this.create(stage, action.attempt);
    const { namespace, name } = stage.metadata;
    const job = this.options.jobs.get(keyIn(namespace, rolloutJobName(name, action.attempt)));
    if (job === undefined) return undefined;
    switch (action.kind) {
      case 'EndRolloutWorkers':
        return this.remove(stage, action.attempt, job);
      case 'WithdrawRolloutWorkers':
        return this.deleteJob(job); // a later pass misses it, if their learner runs
      case 'ResizeRolloutWorkers':
        return this.resize(job, action.workers);
    }
  }

  private async create(stage: Stored<R1Stage>, number: number): Promise<void> {
    const { client, jobs: cache, defaults } = this.options;
    const { namespace, name } = stage.metadata;
    const image = defaultImageOf(cache.get(keyIn(namespace, attemptName(name, number))), this.options.image);
    const added = madeWith(stage, defaults, image);
    const job = rolloutJob({ stage: withStageDefaults(stage, defaults), number, image, madeWith: added });
    cache.assume(transformJob(await createOwned(client, jobs, job, stages)));
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
    await this.deleteJob(job);
  }

  private async deleteJob({ metadata }: Stored<Job>): Promise<void> {
    await this.options.client.delete(jobs, metadata, metadata.uid).catch(ignoreNotFound);
  }

  private async resize(job: Stored<Job>, workers: number): Promise<void> {
    // A Job that asks for no completion is complete, for good.
    const patch = { spec: { parallelism: workers, ...(workers === 0 ? {} : { completions: workers }) } };
    const resized = await this.options.client.mergePatch(jobs, job.metadata, patch).catch(ignoreNotFound);
    if (resized !== undefined) this.options.jobs.assume(transformJob(resized));
  }
}
