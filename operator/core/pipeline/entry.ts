import type { Condition } from '../../api/resources/conditions.ts';
import type { GateDecision } from '../../api/resources/pipeline.ts';
import type { PipelineStage } from '../../api/resources/pipeline-stage.ts';
import type { R1Stage } from '../../api/resources/stage.ts';
import { compareWithBound } from './gate-bound.ts';

/** What is known of an earlier stage. */
interface Earlier {
  readonly stage: Pick<PipelineStage, 'model'>;
  readonly object: R1Stage | undefined;
  readonly succeeded: Condition | undefined;
  readonly gate: GateDecision | undefined;
}

/** Whether a stage may begin, by what it requires of results of earlier ones. */
export type Entry =
  | { readonly kind: 'open' }
  /** These have not ended. */
  | { readonly kind: 'waiting'; readonly for: readonly string[] }
  /** What is not met, in words. */
  | { readonly kind: 'closed'; readonly message: string };

/**
 * Compares what a stage requires with the results that there are. It is asked before the stage is created, and never again: a stage that has
 * begun has met it.
 *
 * @param view what is known of an earlier stage
 */
export function judgeEntry(
  { requires = [] }: Pick<PipelineStage, 'requires'>,
  view: (stage: string) => Earlier | undefined,
): Entry {
  const waiting = requires.map(({ stage }) => stage).filter((stage) => view(stage)?.succeeded?.status !== 'True');
  if (waiting.length > 0) return { kind: 'waiting', for: [...new Set(waiting)] };
  const unmet = requires.flatMap(({ stage, metric, ...bound }) => {
    const used = usedInstead(stage, view);
    const { found, expected, passed } = compareWithBound(bound, metric, view(used)?.object?.status?.metrics ?? {});
    const of = used === stage ? stage : `${used}, which is used instead of ${stage}`;
    return passed ? [] : [`${found} (${of}), ${expected} is required`];
  });
  return unmet.length === 0 ? { kind: 'open' } : { kind: 'closed', message: unmet.join('; ') };
}

/** After a rollback later stages use the model of another stage: its figures count. */
function usedInstead(stage: string, view: (stage: string) => Earlier | undefined): string {
  const rolledBack = view(stage);
  if (rolledBack?.gate?.action !== 'RolledBack') return stage;
  const { uses = rolledBack.stage.model?.from } = rolledBack.gate;
  return uses === undefined || uses === stage ? 'base' : usedInstead(uses, view);
}
