import { type Claims, takeClaim } from './claims.ts';
import type { PromptGroup } from './requests.ts';

/**
 * The next group that has samples left to take, with these alone.
 *
 * @param queue [0]: the next group to take, in shared memory of all takers
 */
export function nextGroup(groups: readonly PromptGroup[], queue: Int32Array, claims: Claims): PromptGroup | undefined {
  for (;;) {
    const group = groups[Atomics.add(queue, 0, 1)];
    if (group === undefined) return undefined;
    const samples = group.samples.filter(({ index }) => takeClaim(claims, index));
    if (samples.length > 0) return { promptIds: group.promptIds, samples };
  }
}
