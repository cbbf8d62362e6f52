import { labels } from '../../operator/api/resources/metadata.ts';
import type { KubeClient } from '../../operator/kube/client/client.ts';
import { Informer } from '../../operator/kube/client/informer.ts';
import { jobs, type Job } from '../../operator/kube/client/resources.ts';
import type { JobTimes } from './timeline.ts';

/**
 * Watches the Jobs of one namespace from outside, the same way for both sides: times in objects are whole seconds, so
 * what counts is when an event arrives here.
 */
export class JobObserver {
  private readonly informer: Informer<Job>;
  private readonly stageNames: readonly string[];
  private readonly times = new Map<string, JobTimes>();

  constructor(client: KubeClient, namespace: string, stageNames: readonly string[]) {
    this.stageNames = stageNames;
    this.informer = new Informer({ client, kind: jobs, namespaces: [namespace], transform: keepTimes });
    this.informer.onChange((before, after) => {
      if (after === undefined) return;
      const now = Date.now();
      const { name } = after.metadata;
      const seen = this.times.get(name) ?? { ...this.placeOf(after), createdAt: now };
      this.times.set(name, isComplete(after) && !isComplete(before) ? { ...seen, completedAt: now } : seen);
    });
  }

  async start(): Promise<void> {
    await this.informer.start();
  }

  async stop(): Promise<void> {
    await this.informer.stop();
  }

  get jobs(): readonly JobTimes[] {
    return [...this.times.values()];
  }

  get completed(): number {
    return this.jobs.filter(({ completedAt }) => completedAt !== undefined).length;
  }

  private placeOf({ metadata }: Job): { pipeline: string; stage: number } {
    const of = (label: string): string => metadata?.labels?.[label] ?? '';
    return { pipeline: of(labels.pipeline), stage: this.stageNames.indexOf(of(labels.stage)) };
  }
}

export function isComplete(job: Job | undefined): boolean {
  return job?.status?.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True') ?? false;
}

function keepTimes<T extends Job>({ apiVersion, kind, metadata, status }: T): T {
  return { apiVersion, kind, metadata, status } as T;
}
