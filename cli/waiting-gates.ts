import { findCondition } from '../operator/api/conditions.ts';
import type { R1Pipeline } from '../operator/api/pipeline.ts';

/**
 * A line for every gate that waits for a person: its figure, and what opens it.
 *
 * @param approve the command up to the stage, such as `r1 approve r1-tiny`
 */
export function waitingGates({ metadata, status }: R1Pipeline, approve: string): string[] {
  if (findCondition(status?.conditions, 'Succeeded')?.status === 'False') return []; // to open one is of no use
  return (status?.gates ?? [])
    .filter(({ action }) => action === 'Waiting')
    .map(({ stage, message }) => `${metadata.name}: gate of ${stage}: ${message}: ${approve} ${stage}`);
}
