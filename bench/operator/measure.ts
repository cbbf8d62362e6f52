import { setTimeout as sleep } from 'node:timers/promises';
import { MemorySampler } from '../memory.ts';
import { type Arena, openArena, type Side, userOf } from './arena.ts';
import { countRequests, type Requests } from './audit.ts';
import { type Contender, operatorContender, sequencerContender } from './contenders.ts';
import { JobObserver } from './job-times.ts';
import { pipelineName, stageNames } from './pipelines.ts';
import { readTemplates, type Template, type Templates } from './templates.ts';
import { timeline, type Timeline } from './timeline.ts';

/** What one side did with `pipelines` pipelines. */
export interface Run {
  readonly side: Side;
  readonly pipelines: number;
  readonly timeline: Timeline;
  readonly requests: Requests;
  readonly peakBytes: number;
}

/** The operator's run, and what it makes, for its peers. */
export async function measureOperator(count: number): Promise<{ run: Run; templates: Templates }> {
  return onFreshArena(async (arena) => {
    const contender = await operatorContender(arena);
    try {
      const run = await measure(arena, 'operator', contender, count);
      return { run, templates: await readTemplates(arena.client, arena.warmUpNamespace, pipelineName(0), stageNames) };
    } finally {
      await contender.stop();
    }
  });
}

export async function measurePeer(side: 'sequencer' | 'writer', count: number, template: Template): Promise<Run> {
  return onFreshArena(async (arena) => measure(arena, side, await sequencerContender(arena, side, template), count));
}

async function onFreshArena<T>(work: (arena: Arena) => Promise<T>): Promise<T> {
  const arena = await openArena();
  try {
    return await work(arena);
  } finally {
    await arena.close();
  }
}

/** One pipeline that is not counted, then all others at once. Throws when anything but one Job a stage was made. */
async function measure(arena: Arena, side: Side, contender: Contender, count: number): Promise<Run> {
  await contender.begin(arena.warmUpNamespace, [pipelineName(0)]).done;

  const names = Array.from({ length: count }, (_, at) => pipelineName(at + 1));
  const observer = new JobObserver(arena.client, arena.namespace, stageNames);
  await observer.start();
  const begunAt = Date.now();
  const { pid, done } = contender.begin(arena.namespace, names);
  const memory = new MemorySampler(pid);
  await done;
  const stages = count * stageNames.length;
  while (observer.completed < stages) await sleep(20); // oxlint-disable-line no-await-in-loop -- the Job controller's turn
  const endedAt = Date.now();
  await sleep(2_000); // last words: events, debounced status
  memory.stop();
  await observer.stop();
  if (observer.jobs.length !== stages) throw new Error(`${side}: ${observer.jobs.length} Jobs for ${stages} stages`);
  return {
    side,
    pipelines: count,
    timeline: timeline(observer.jobs, begunAt, endedAt),
    requests: await countRequests(arena.auditLog, userOf(side), begunAt, Date.now()),
    peakBytes: memory.peakBytes,
  };
}
