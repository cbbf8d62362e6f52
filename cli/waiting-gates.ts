import { succeededStatus } from '../operator/api/resources/conditions.ts';
import type { R1Pipeline } from '../operator/api/resources/pipeline.ts';
import { approveCommand, openingApproval } from '../operator/core/pipeline/approval.ts';

/**
 * A line for every gate that waits for a person: its figure, and what opens it.
 *
 * @param approve the command up to the stage, such as `r1 approve r1-tiny`
 * @param runs what goes on behind a gate that was approved since the pipeline was last looked at
 */
export function waitingGates(pipeline: R1Pipeline, approve: string, runs: string): string[] {
  const { metadata, spec, status } = pipeline;
  if (succeededStatus(status?.conditions) === 'False') return []; // to open one is of no use
  return (status?.gates ?? [])
    .filter(({ action }) => action === 'Waiting')
    .map(({ stage: name, message }) => {
      const stage = spec.stages.find((each) => each.name === name) ?? { name };
      return openingApproval(pipeline, stage)
        ? `${metadata.name}: the gate of ${name} is approved; ${runs} goes on`
        : `${metadata.name}: gate of ${name}: ${message}: ${approveCommand(approve, stage)}`;
    });
}
