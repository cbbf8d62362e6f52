import { createHash } from 'node:crypto';

/** Name of the R1Stage of a pipeline's stage. */
export function stageObjectName(pipeline: string, stage: string): string {
  return `${pipeline}-${stage}`;
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
