import type { R1Stage } from '../api/stage.ts';
import { hasNotEnded } from '../core/attempts.ts';
import { learnerServiceName, rolloutJobName } from '../core/names.ts';
import type { Cache } from './cache.ts';
import type { KubeClient } from './client.ts';
import { unlessGone } from './kube-pipelines.ts';
import { attemptOf } from './objects/attempt-job.ts';
import { jobs, networkPolicies, services, type Job, type Stored } from './resources.ts';
import { isTrainer } from './traces.ts';
import { trimJob } from './trim.ts';

/** Keeps the rollout workers of a stage in step with its attempts and its spec. */
export class RolloutWorkers {
  private readonly client: KubeClient;
  private readonly jobs: Cache<Job>;

  constructor(client: KubeClient, jobCache: Cache<Job>) {
    this.client = client;
    this.jobs = jobCache;
  }

  /** Workers of an attempt that has ended hold nothing but GPUs. Those of a running one can become more or fewer. */
  async follow(stage: Stored<R1Stage>): Promise<void> {
    const workers = this.jobs.byIndex(stage.metadata.uid).filter((job) => !isTrainer(job));
    for (const job of workers) {
      if (job.metadata.deletionTimestamp !== undefined) continue;
      const number = attemptOf(job.metadata.labels);
      const record = stage.status?.attempts.find((each) => each.number === number);
      if (record !== undefined && !hasNotEnded(record)) await this.remove(stage, number, job);
      else await this.resize(job, stage.spec.rolloutWorkers);
    }
  }

  /**
   * The Job goes last: as long as it is there, the others are looked for. The Secret, which opens nothing any more, goes
   * with its stage: the operator may make Secrets, and neither read nor delete any.
   */
  private async remove({ metadata }: Stored<R1Stage>, attempt: number, job: Stored<Job>): Promise<void> {
    const { namespace } = metadata;
    const name = rolloutJobName(metadata.name, attempt);
    const service = learnerServiceName(metadata.name, attempt);
    await this.client.delete(services, { namespace, name: service }).catch(unlessGone);
    await this.client.delete(networkPolicies, { namespace, name }).catch(unlessGone);
    await this.client.delete(jobs, { namespace, name }, job.metadata.uid).catch(unlessGone);
  }

  private async resize(job: Stored<Job>, workers: number): Promise<void> {
    if (workers === 0 || job.spec?.completions === workers) return;
    const patch = { spec: { completions: workers, parallelism: workers } };
    const resized = await this.client.mergePatch(jobs, job.metadata, patch).catch(unlessGone);
    if (resized !== undefined) this.jobs.put(trimJob(resized));
  }
}
