import { setTimeout as sleep } from 'node:timers/promises';
import { succeededStatus } from '../operator/api/resources/conditions.ts';
import type { R1Pipeline } from '../operator/api/resources/pipeline.ts';
import type { Display } from './display/display.ts';
import type { RunState } from './display/run-state.ts';
import { Patience } from './cluster/patience.ts';
import type { PipelineSource } from './pipeline-source.ts';

const pollMs = 1000;

/**
 * Shows a pipeline while it goes on.
 *
 * @param isOver when to stop looking; when the pipeline has ended if absent
 * @returns what was seen last
 * @throws what the source throws, an outage only when it lasts
 */
export async function watchPipeline(
  source: PipelineSource,
  name: string,
  display: Display,
  isOver: (run: RunState) => boolean = hasEnded,
): Promise<RunState> {
  const patience = new Patience();
  try {
    for (;;) {
      try {
        const run = await source.read(name);
        if (patience.answered()) display.note(`${source.place}: answers again`);
        display.update(run);
        if (isOver(run)) return run;
      } catch (error) {
        if (patience.bear(error)) display.note(`${(error as Error).message}; goes on trying`);
      }
      await sleep(pollMs);
    }
  } finally {
    display.end();
  }
}

/** It has succeeded or failed, and that is about the spec as it is now. */
export function hasEnded({ pipeline }: RunState): boolean {
  return isUpToDate(pipeline) && succeededStatus(pipeline.status?.conditions) !== 'Unknown';
}

/** Its status is about the spec as it is now. */
export function isUpToDate({ metadata, status }: R1Pipeline): boolean {
  const { generation = 1 } = metadata;
  return status !== undefined && (status.observedGeneration ?? generation) >= generation;
}
