import { isDeepStrictEqual } from 'node:util';

/**
 * The JSON merge patch (RFC 7396) that turns one value into another: only what differs, null for what goes, lists as a
 * whole. Undefined when there is nothing to do.
 */
export function mergePatch(before: object | undefined, after: object): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  const [old, now] = [(before ?? {}) as Record<string, unknown>, after as Record<string, unknown>];
  for (const key of Object.keys(old)) if (now[key] === undefined) patch[key] = null;
  for (const [key, value] of Object.entries(now)) {
    if (value === undefined || isDeepStrictEqual(old[key], value)) continue;
    // A map that the server does not have yet is sent whole, even when it is empty.
    patch[key] = isMap(value) && isMap(old[key]) ? (mergePatch(old[key], value) ?? {}) : value;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
