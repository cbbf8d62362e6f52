import type { PipelineStatus } from '../../api/resources/pipeline.ts';
import type { R1Stage } from '../../api/resources/stage.ts';
import type { PipelineSituation } from './pipeline-situation.ts';
import type { Decision, RuleVerdict } from '../decision.ts';

export type PipelineAction =
  | { readonly kind: 'CreateStage'; readonly stage: R1Stage }
  /** The spec of a stage that goes on with it, or has not begun; and its annotations. `why` is for people. */
  | { readonly kind: 'UpdateStage'; readonly stage: R1Stage; readonly why: string }
  /** A stage whose attempts must end, as the pipeline's budget is spent, or all of them by the user's wish. */
  | { readonly kind: 'SuspendStage'; readonly name: string; readonly suspend: boolean }
  /** R1Stage objects, with all that belongs to them; a stage of that name is created anew once they are gone. */
  | { readonly kind: 'DeleteStages'; readonly names: readonly string[] }
  /** The wish to run stages again was granted: the pipeline's annotations change, null removes one. */
  | { readonly kind: 'ClearRerun'; readonly annotations: Readonly<Record<string, string | null>> }
  /** The claim that was made for the pipeline stays when the pipeline is deleted, or goes with it. */
  | { readonly kind: 'RetainVolume'; readonly retain: boolean }
  /** It ended long enough ago; `why` is for people. */
  | { readonly kind: 'DeletePipeline'; readonly why: string };

export type PipelineDecision = Decision<PipelineAction, PipelineStatus>;

export type Verdict = RuleVerdict<PipelineAction>;

export type Rule = (situation: PipelineSituation) => Verdict | undefined;
