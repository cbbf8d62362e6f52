import { findCondition, setCondition, type Condition } from '../api/resources/conditions.ts';
import { stateOf } from '../api/display.ts';

interface Status {
  readonly conditions: Condition[];
  readonly runSeconds: number;
  readonly gpuHours: number;
  readonly display?: { state: string; message: string } | undefined;
}

interface Decided<S extends Status> {
  readonly metadata: { readonly generation?: number | undefined };
  readonly status?: S | undefined;
}

/**
 * The status of an object about which nothing could be decided, since that threw; nothing if it says so already. It keeps
 * what was known before.
 *
 * @param empty what a status has besides, of an object that has none yet
 */
export function withInternalError<S extends Status>(
  { metadata, status }: Decided<S>,
  error: unknown,
  now: number,
  empty: Omit<S, keyof Status>,
): S | undefined {
  const message = `a mistake of the operator, which tries again: ${error instanceof Error ? error.message : String(error)}`;
  const old = findCondition(status?.conditions, 'Succeeded');
  if (old?.reason === 'InternalError' && old.message === message) return undefined;
  const condition = { type: 'Succeeded', status: 'Unknown', reason: 'InternalError', message } as const;
  const conditions = setCondition(status?.conditions ?? [], condition, now, metadata.generation);
  const display = status?.display && { ...status.display, state: stateOf(conditions), message: message.slice(0, 1000) };
  const base = status ?? ({ runSeconds: 0, gpuHours: 0, ...empty } as unknown as S);
  return { ...base, conditions, ...(display && { display }) };
}
