import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, Stored } from './resources.ts';

/**
 * The object with the spec of its last state in memory, where that has the same content: what was found out about a spec is known by the
 * object that it is, and most changes are of a status.
 */
export function withKnownSpec<T extends KubeObject>(before: T | undefined, after: Stored<T>): Stored<T> {
  const [known, spec] = [specOf(before), specOf(after)];
  return known !== undefined && isDeepStrictEqual(known, spec) ? { ...after, spec: known } : after;
}

function specOf(object: object | undefined): unknown {
  return object !== undefined && 'spec' in object ? object.spec : undefined;
}
