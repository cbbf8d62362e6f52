import { annotations } from '../../operator/api/metadata.ts';
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
    const approved = approvedStages(now);
    if (approved.includes(stage)) return undefined;
    return { metadata: { annotations: { [annotations.approved]: [...approved, stage].join(',') } } };
  });
  return afterApproval(pipeline, stage, 'the pipeline goes on');
}
