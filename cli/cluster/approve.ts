import { annotations } from '../../operator/api/metadata.ts';
import type { R1Pipeline } from '../../operator/api/pipeline.ts';
import { afterApproval, approvedStages, requireOpenGate } from '../../operator/core/approval.ts';
import { changePipeline } from './change-pipeline.ts';
import type { Cluster } from './cluster.ts';

/**
 * Lets a pipeline go on behind a gate that waits for a person.
 *
 * @returns what happened, in words
 */
export async function approveOnCluster(cluster: Cluster, name: string, stage: string): Promise<string> {
  const pipeline = await changePipeline(cluster, name, (now) => {
    requireOpenGate(now, stage);
    return approval(now, stage);
  });
  return approvedInWords(pipeline, stage);
}

/** The merge patch that approves a gate beside those that were approved; none where it was. */
export function approval(pipeline: R1Pipeline, stage: string): { readonly metadata: object } | undefined {
  const approved = approvedStages(pipeline);
  if (approved.includes(stage)) return undefined;
  return { metadata: { annotations: { [annotations.approved]: [...approved, stage].join(',') } } };
}

/** @param pipeline as it is after the approval */
export function approvedInWords(pipeline: R1Pipeline, stage: string): string {
  return afterApproval(pipeline, stage, 'the pipeline goes on');
}
