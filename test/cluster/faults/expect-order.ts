import { expect } from '@jest/globals';
import { fork, type Shape } from './shapes.ts';
import type { Witness } from './witness.ts';

/**
 * Whatever happened on the way: one Job an attempt, a second attempt only where the first one fails, one trainer of a
 * stage at a time, and one stage at a time on a volume that is not shared.
 */
export function expectOrder(
  witness: Witness,
  run: readonly Shape[],
  how: 'disturbed' | 'undisturbed' = 'disturbed',
): void {
  const created = witness.createdJobs;
  const wished = run.flatMap(({ jobs }) => jobs);
  // An attempt that ended before its operator was back had no use for workers any more.
  const missed = wished.filter((name) => how === 'disturbed' && name.endsWith('-rollout') && !created.includes(name));
  expect([...created, ...missed].toSorted()).toEqual(wished.toSorted());
  expect(witness.mostTrainersOfAStage).toBe(1);
  for (const { name } of run) if (name !== fork.name) expect(witness.mostStagesAtOnce(name)).toBe(1);
}
