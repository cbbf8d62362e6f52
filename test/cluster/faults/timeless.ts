/** Fields that differ from one run of a pipeline to the next although nothing else does: when, where, how long. */
const chance = new Set([
  'lastTransitionTime',
  'startedAt',
  'endedAt',
  'completedAt',
  'time',
  'runSeconds',
  'ranSeconds',
  'gpuHours',
  'spending',
  'eta',
  'node',
]);

/** A status without them, and without the uids of stages in paths and names of runs. */
export function timeless(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(timeless);
  if (typeof value === 'string') return value.replaceAll(/^[0-9a-f]{8}$|\b[0-9a-f]{8}(?=\/attempt-)/g, 'run');
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (chance.has(key) ? [] : [[key, timeless(each)]])),
  );
}
