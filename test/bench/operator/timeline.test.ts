import { expect, test } from '@jest/globals';
import { percentile, timeline } from '../../../bench/operator/timeline.ts';

test('hand-over is the time from the completion of a Job to the creation of the next one of its pipeline', () => {
  const jobs = [
    { pipeline: 'a', stage: 0, createdAt: 0, completedAt: 2000 },
    { pipeline: 'a', stage: 1, createdAt: 2100, completedAt: 4000 },
    { pipeline: 'b', stage: 0, createdAt: 0, completedAt: 3000 },
    { pipeline: 'b', stage: 1, createdAt: 2500, completedAt: 5000 }, // did not wait for it
  ];

  expect(timeline(jobs, 0, 8000)).toEqual({
    stages: 4,
    stagesPerSecond: 0.5,
    handOver: { p50: -0.5, p99: 0.1 },
  });
});

test('percentiles are values that were measured', () => {
  const values = Array.from({ length: 100 }, (_, at) => 100 - at);

  expect([50, 99, 100].map((percent) => percentile(values, percent))).toEqual([50, 99, 100]);
});
