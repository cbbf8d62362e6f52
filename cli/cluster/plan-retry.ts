import { succeededStatus } from '../../operator/api/resources/conditions.ts';
import type { R1Stage } from '../../operator/api/resources/stage.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';

/**
 * The failed stages of a pipeline that are tried again.
 *
 * @param names all that failed when there are none
 * @throws UserError when one is no stage, or has not failed
 */
export function planRetry<T extends R1Stage>(pipeline: string, stages: readonly T[], names: readonly string[]): T[] {
  const failed = stages.filter(({ status }) => succeededStatus(status?.conditions) === 'False');
  const known = failed.map(({ spec }) => spec.stage).join(', ');
  const expected = failed.length === 0 ? 'none of its stages has failed' : `expected a stage that has failed: ${known}`;
  for (const name of names) {
    const found = stages.find(({ spec }) => spec.stage === name);
    if (found === undefined) throw new UserError(`pipeline ${pipeline}: found no stage "${name}"; ${expected}`);
    if (!failed.includes(found)) throw new UserError(`pipeline ${pipeline}: ${name} has not failed; ${expected}`);
  }
  if (failed.length === 0) throw new UserError(`pipeline ${pipeline}: ${expected}`);
  return names.length === 0 ? failed : failed.filter(({ spec }) => names.includes(spec.stage));
}
