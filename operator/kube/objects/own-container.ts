import type { Pod } from '../client/resources.ts';
import { trainerContainer } from './attempt-job.ts';
import { rolloutContainer } from './rollout-job.ts';

/** The containers of pods that the operator makes, beside what clusters may add. */
export const ownContainers: ReadonlySet<string> = new Set([trainerContainer, rolloutContainer]);

export function ownContainerStatus({ status }: Pod) {
  return status?.containerStatuses?.find(({ name }) => ownContainers.has(name));
}
