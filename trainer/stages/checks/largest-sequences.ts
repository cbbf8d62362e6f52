import type { StageSettings } from '../../contract/settings/settings.ts';
import { mostTold } from '../../contract/settings/tool-use.ts';
import type { EvaluationSettings, SamplingSettings } from '../../contract/settings/training.ts';
import type { LargestStep } from '../../engine/step-memory.ts';

/** An optimizer step on rows that are as long as the settings allow; nothing where none is made. */
export function largestStep({ pretrain, sft, rewardModel, grpo }: StageSettings): LargestStep | undefined {
  if (grpo) {
    const { promptsPerStep, group, sampling } = grpo;
    const size = { length: lengthOf(grpo), predicted: sampling.maxNewTokens };
    return { sequences: promptsPerStep * group, size, rowsPerSequence: 1 };
  }
  if (rewardModel) {
    const { batch, maxLength, labelled } = rewardModel;
    return {
      sequences: batch,
      size: { length: maxLength, predicted: 0 },
      rowsPerSequence: labelled === undefined ? 2 : 1,
    };
  }
  const supervised = pretrain ?? sft;
  if (!supervised) return undefined;
  const { batch, maxLength } = supervised;
  return { sequences: batch, size: { length: maxLength, predicted: maxLength }, rowsPerSequence: 1 };
}

/** Longest prompt with its completion that a stage or its evaluation may sample, in tokens; 0 where nothing is sampled. */
export function longestSampled(
  { grpo, sample, evaluate }: StageSettings,
  evaluation: EvaluationSettings | undefined,
): number {
  const guard = grpo?.guard?.sampling && { ...grpo, sampling: grpo.guard.sampling };
  const all = [grpo, guard, sample, evaluate, evaluation].filter((each) => each !== undefined);
  return Math.max(0, ...all.map(lengthOf));
}

function lengthOf({
  maxPromptTokens,
  sampling,
  ...told
}: Parameters<typeof mostTold>[0] & {
  readonly maxPromptTokens: number;
  readonly sampling: SamplingSettings;
}): number {
  return maxPromptTokens + sampling.maxNewTokens + mostTold(told);
}
