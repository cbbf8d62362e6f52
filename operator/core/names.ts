import { createHash } from 'node:crypto';

/** A label value and a pod's name hold this many characters (RFC 1123). */
const longestLabel = 63;

/** Name of the R1Stage of a pipeline's stage. */
export function stageObjectName(pipeline: string, stage: string): string {
  return `${pipeline}-${stage}`;
}

/** Name of the Job of one attempt: the same for the same attempt, different for any other, short enough for a label. */
export function jobName(pipeline: string, stage: string, attempt: number): string {
  const name = `${pipeline}-${stage}-${attempt}`;
  if (name.length <= longestLabel) return name;
  const suffix = `-${digestOf([pipeline, stage]).slice(0, 8)}-${attempt}`;
  return `${name.slice(0, longestLabel - suffix.length).replace(/-+$/, '')}${suffix}`;
}

/** SHA-256 of a value as canonical JSON (keys sorted, undefined left out), lower-case hex. */
export function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value, sortKeys) ?? '')
    .digest('hex');
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
