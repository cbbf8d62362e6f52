import { annotations, approvedBecausePrefix, approvedByPrefix } from '../../operator/api/resources/metadata.ts';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import { afterApproval, approvalOf, approvedStages, requireOpenGate } from '../../operator/core/pipeline/approval.ts';
import { selfSubjectReviews } from '../../operator/kube/client/resources.ts';
import { changePipeline } from './change-pipeline.ts';
import type { Cluster } from './cluster.ts';

/**
 * Lets a pipeline go on behind a gate that waits for a person.
 *
 * @returns what happened, in words
 */
export async function approveOnCluster(
  cluster: Cluster,
  name: string,
  stage: string,
  because?: string,
): Promise<string> {
  const by = await whoAmI(cluster);
  const pipeline = await changePipeline(cluster, name, (now) => {
    requireOpenGate(now, stage, because);
    return approval(now, stage, { by, because });
  });
  return approvedInWords(pipeline, stage);
}

/** The name by which the API server knows the user; none where it does not tell. */
async function whoAmI(cluster: Cluster): Promise<string | undefined> {
  try {
    const review = await cluster.ask('ask who approves', (client) => client.create(selfSubjectReviews, {}));
    return review.status?.userInfo?.username;
  } catch {
    return undefined; // the approval counts all the same, and nobody's name is recorded
  }
}

/** The merge patch that approves a gate beside those that were approved, or gives the reason that was lacking; none where nothing is new. */
export function approval(
  pipeline: R1Pipeline,
  stage: string,
  { by, because }: { readonly by?: string | undefined; readonly because?: string | undefined } = {},
): { readonly metadata: object } | undefined {
  const approved = approvedStages(pipeline);
  const known = approvalOf(pipeline, stage);
  if (known && (known.because !== undefined || because === undefined)) return undefined;
  const said = {
    ...(by !== undefined && { [`${approvedByPrefix}${stage}`]: by }),
    ...(because !== undefined && { [`${approvedBecausePrefix}${stage}`]: because }),
  };
  return {
    metadata: { annotations: { [annotations.approved]: [...new Set([...approved, stage])].join(','), ...said } },
  };
}

/** @param pipeline as it is after the approval */
export function approvedInWords(pipeline: R1Pipeline, stage: string): string {
  return afterApproval(pipeline, stage, 'the pipeline goes on');
}
