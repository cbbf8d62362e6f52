import { cohensKappa, observedAgreement } from '../../algorithms/cohens-kappa.ts';
import { spearman } from '../../algorithms/rank-correlation.ts';
import { zip } from '../../algorithms/zip.ts';
import type { RowList } from '../../data/lists/row-list.ts';
import { InputModels } from '../policy/input-models.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { Measured, Objective } from './objective.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** Figures of another stage's reward model on the same held-out rows, `compared/…`, and how far the two agree. */
export async function comparedWith(
  stage: string,
  own: Measured,
  { objective, rows, workspace }: { objective: Objective; rows: RowList; workspace: Workspace },
): Promise<Metrics> {
  const models = new InputModels(workspace);
  try {
    const model = await models.open(stage, 'scalar');
    const other = await objective.measure(model, await models.readingOf(stage), rows);
    const figures = Object.entries(other.metrics).map(([name, value]) => [name.replace(/^eval\//, 'compared/'), value]);
    return { ...(Object.fromEntries(figures) as Metrics), ...agreement(own, other) };
  } finally {
    await models.close();
  }
}

function agreement(own: Measured, other: Measured): Metrics {
  const decisions = zip(own.decisions, other.decisions);
  const kappa = cohensKappa(decisions);
  const rho = spearman(own.scores, other.scores);
  return {
    'compared/agreement': observedAgreement(decisions),
    ...(kappa !== undefined && { 'compared/kappa': kappa }),
    ...(rho !== undefined && { 'compared/spearman': rho }),
  };
}
