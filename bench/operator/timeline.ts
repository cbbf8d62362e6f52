/** When one Job of a pipeline was first seen, and when it was first seen complete; milliseconds since the epoch. */
export interface JobTimes {
  readonly pipeline: string;
  /** Position among the stages of its pipeline, from 0. */
  readonly stage: number;
  readonly createdAt: number;
  readonly completedAt?: number;
}

export interface Timeline {
  readonly stages: number;
  readonly stagesPerSecond: number;
  /** Seconds from a Job's completion to the creation of the next one; below 0 where that did not wait for it. */
  readonly handOver: { readonly p50: number; readonly p99: number };
}

/**
 * What the Jobs of all pipelines say about who created them.
 *
 * @param begunAt when the work was handed over
 * @param endedAt when the last of it was done
 */
export function timeline(jobs: readonly JobTimes[], begunAt: number, endedAt: number): Timeline {
  const byPlace = new Map(jobs.map((job) => [`${job.pipeline}/${job.stage}`, job]));
  const gaps = jobs.flatMap((job) => {
    const previous = byPlace.get(`${job.pipeline}/${job.stage - 1}`);
    return previous?.completedAt === undefined ? [] : [(job.createdAt - previous.completedAt) / 1000];
  });
  return {
    stages: jobs.length,
    stagesPerSecond: jobs.length / ((endedAt - begunAt) / 1000),
    handOver: { p50: percentile(gaps, 50), p99: percentile(gaps, 99) },
  };
}

/** Nearest-rank percentile: the smallest value that at least `percent` of all values do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN;
}
