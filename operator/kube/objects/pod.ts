import type { Pod } from '../client/resources.ts';

/** Nothing of it runs any more, and nothing will. */
export function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}
