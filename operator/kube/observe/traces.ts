import type { R1Stage } from '../../api/stage.ts';
import { attemptDirectory } from '../../core/names.ts';
import { attemptOf } from '../objects/attempt-job.ts';
import { isTrainer, stageIdOf } from '../objects/ownership.ts';
import { gpusOf } from '../objects/pod-spec.ts';
import type { AttemptTraces, PodTrace } from './observe-attempt.ts';
import type { Job, Pod, Stored } from '../client/resources.ts';

interface Departed<T> {
  readonly object: Stored<T>;
  readonly goneAt: number;
}

/** Stages whose deleted Jobs and pods are remembered; the oldest is forgotten. */
const rememberedStages = 1000;
const rememberedOfStage = 10;

/**
 * The last state of Jobs and pods that are gone: a pod that somebody deletes takes its exit code and result with it. One
 * that nobody saw go left no trace, which costs an attempt but no data.
 */
export class DepartedObjects {
  private readonly stages = new Map<string, { readonly jobs: Departed<Job>[]; readonly pods: Departed<Pod>[] }>();

  addJob(object: Stored<Job>, goneAt: number): void {
    this.of(object).jobs.push({ object, goneAt });
  }

  addPod(object: Stored<Pod>, goneAt: number): void {
    this.of(object).pods.push({ object, goneAt });
  }

  get(stageId: string): { readonly jobs: readonly Departed<Job>[]; readonly pods: readonly Departed<Pod>[] } {
    return this.stages.get(stageId) ?? { jobs: [], pods: [] };
  }

  forget(stageId: string): void {
    this.stages.delete(stageId);
  }

  private of(object: Stored<Job> | Stored<Pod>) {
    const id = stageIdOf(object);
    const entry = this.stages.get(id) ?? { jobs: [], pods: [] };
    this.stages.delete(id);
    this.stages.set(id, entry);
    const [oldest] = this.stages.keys();
    if (this.stages.size > rememberedStages && oldest !== undefined) this.stages.delete(oldest);
    for (const list of [entry.jobs, entry.pods]) if (list.length >= rememberedOfStage) list.shift();
    return entry;
  }
}

type Growing = AttemptTraces & { readonly pods: PodTrace[] };

/** What the cluster shows of a stage's attempts that have not been recorded as ended, oldest first. */
export function tracesOf(
  stage: R1Stage,
  jobs: readonly Stored<Job>[],
  pods: readonly Stored<Pod>[],
  departed: ReturnType<DepartedObjects['get']>,
): AttemptTraces[] {
  const ended = new Set(
    (stage.status?.attempts ?? [])
      .filter(({ outcome }) => outcome !== 'Pending' && outcome !== 'Running')
      .map(({ number }) => number),
  );
  const traces = new Map<number, Growing>();
  const gpusWith = (resources: Parameters<typeof gpusOf>[0]): number =>
    gpusOf(resources) * (1 + stage.spec.rolloutWorkers);
  const at = (object: Stored<Job> | Stored<Pod>): Growing | undefined => {
    const number = isTrainer(object) ? attemptOf(object.metadata.labels) : 0;
    if (number === 0 || ended.has(number)) return undefined;
    const known = traces.get(number);
    if (known !== undefined) return known;
    const directory = attemptDirectory(stage.metadata.uid ?? '', number);
    const fresh: Growing = {
      number,
      gpus: gpusWith(stage.spec.resources),
      directory,
      job: undefined,
      jobIsGone: true,
      pods: [],
    };
    traces.set(number, fresh);
    return fresh;
  };
  const setJob = (job: Stored<Job>, jobIsGone: boolean): void => {
    const trace = at(job);
    if (trace === undefined) return;
    // What the stage asks for by now may be more or less than what this attempt was given.
    const gpus = gpusWith(job.spec?.template.spec?.containers[0]?.resources);
    traces.set(trace.number, { ...trace, gpus, job, jobIsGone });
  };

  for (const { object } of departed.jobs) setJob(object, true);
  for (const job of jobs) setJob(job, false);
  for (const { object, goneAt } of departed.pods) at(object)?.pods.push({ pod: object, goneAt });
  for (const pod of pods) at(pod)?.pods.push({ pod });
  for (const { pods: list } of traces.values()) list.sort((a, b) => age(a.pod) - age(b.pod));
  return [...traces.values()].toSorted((a, b) => a.number - b.number);
}

/** The same with pods as the API server has them now. */
export function withPods(traces: AttemptTraces, found: readonly Stored<Pod>[]): AttemptTraces {
  const pods = new Map(traces.pods.map((trace) => [trace.pod.metadata?.uid, trace]));
  for (const pod of found) pods.set(pod.metadata.uid, { pod });
  return { ...traces, pods: [...pods.values()].toSorted((a, b) => age(a.pod) - age(b.pod)) };
}

function age({ metadata }: Pod): number {
  return Date.parse(metadata?.creationTimestamp ?? '');
}
