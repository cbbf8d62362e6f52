import { createHash } from 'node:crypto';

/**
 * Longest name of an attempt: what is made for it adds `-rollout`, and the index of a worker to that, and all of it
 * has to fit into a DNS label of 63 characters.
 */
const longest = 63 - '-rollout-1023'.length;

/**
 * The name of the Job of an attempt: `<R1Stage>-<number>`, a DNS label that starts with a letter, as Services want it.
 * The name of an R1Stage that is too long or has dots is cut and told apart by a hash.
 */
export function attemptName(stageObject: string, attempt: number): string {
  const suffix = `-${attempt}`;
  const start = /^[a-z]/.test(stageObject) ? stageObject : `r1-${stageObject}`;
  if (start.length + suffix.length <= longest && !start.includes('.')) return `${start}${suffix}`;
  const hash = createHash('sha256').update(stageObject).digest('hex').slice(0, 8);
  const room = longest - suffix.length - hash.length - 1;
  return `${start.replaceAll('.', '-').slice(0, room).replace(/-+$/, '')}-${hash}${suffix}`;
}

/** The Job, Service, Secret and NetworkPolicy of an attempt's rollout workers. */
export function rolloutName(stageObject: string, attempt: number): string {
  return `${attemptName(stageObject, attempt)}-rollout`;
}

/** The claim of a pipeline that brings none. */
export function claimName(pipeline: string): string {
  return `${pipeline}-volume`;
}

/** The directory of one R1Stage object below the stage's own: an object that is made anew starts from nothing. */
export function runName(uid: string): string {
  return uid.replaceAll('-', '').slice(0, 8);
}
