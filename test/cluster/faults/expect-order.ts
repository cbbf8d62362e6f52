import { expect } from '@jest/globals';
import { fork, type Shape } from './shapes.ts';
import type { Witness } from './witness.ts';

/**
 * Whatever happened on the way: one Job an attempt, a second attempt only where the first one fails, one trainer of a
 * stage at a time, and one stage at a time on a volume that is not shared.
 */
export function expectOrder(witness: Witness, run: readonly Shape[]): void {
  expect(witness.createdJobs).toEqual(run.flatMap(({ jobs }) => jobs).toSorted());
  expect(witness.mostTrainersOfAStage).toBe(1);
  for (const { name } of run) if (name !== fork.name) expect(witness.mostStagesAtOnce(name)).toBe(1);
}
