import { labels } from '../../operator/api/metadata.ts';
import type { KubeClient } from '../../operator/kube/client/client.ts';
import { Reflector } from '../../operator/kube/client/reflector.ts';
import { jobs, type Job } from '../../operator/kube/client/resources.ts';
import type { JobTimes } from './timeline.ts';

/**
 * Watches the Jobs of one namespace from outside, the same way for both sides: times in objects are whole seconds, so
 * what counts is when an event arrives here.
 */
export class JobObserver {
  private readonly reflector: Reflector<Job>;
  private readonly stageNames: readonly string[];
  private readonly times = new Map<string, JobTimes>();

  constructor(client: KubeClient, namespace: string, stageNames: readonly string[]) {
    this.stageNames = stageNames;
    this.reflector = new Reflector({ client, kind: jobs, namespaces: [namespace], trim });
    this.reflector.onChange((before, after) => {
      if (after === undefined) return;
      const now = Date.now();
      const { name } = after.metadata;
      const seen = this.times.get(name) ?? { ...this.placeOf(after), createdAt: now };
      this.times.set(name, isComplete(after) && !isComplete(before) ? { ...seen, completedAt: now } : seen);
    });
  }

  async start(): Promise<void> {
    await this.reflector.start();
  }

  async stop(): Promise<void> {
    await this.reflector.stop();
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

function trim<T extends Job>({ apiVersion, kind, metadata, status }: T): T {
  return { apiVersion, kind, metadata, status } as T;
}
