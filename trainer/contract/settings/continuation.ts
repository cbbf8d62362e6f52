import { decisiveJudge, type JudgeSettings } from './judge.ts';
import { isLate } from './rewards.ts';
import type { StageSettings, StageType } from './settings.ts';
import { stageTypes } from './settings.ts';

/*
 * Which settings decide the weights, and when a stage with more steps ends as if it had had them from the beginning.
 * The operator asks before it starts an attempt, the trainer when it looks for a checkpoint to go on from.
 */

/** They decide what is written down of a run and when, and no weights. */
const records: readonly string[] = ['checkpointEvery', 'keepOptimizer', 'completions', 'controls'];

/** How long a stage of this type learns. */
const lengths: { readonly [type in StageType]?: 'steps' | 'epochs' } = {
  pretrain: 'steps',
  grpo: 'steps',
  sft: 'epochs',
  rewardModel: 'epochs',
};

type Settings = Readonly<Record<string, unknown>>;

/** The settings of one type that decide a result. */
export function decisiveSettings(settings: object | undefined): Settings {
  const entries = Object.entries(settings ?? {}).filter(([name]) => !records.includes(name));
  return Object.fromEntries(
    entries.map(([name, value]) => {
      if (name === 'rewards') return [name, decisiveRewards(value)];
      if (name === 'judge') return [name, decisiveJudge(value as Partial<JudgeSettings>)];
      return [name, judgedParts.includes(name) ? withDecisiveJudge(value) : value];
    }),
  );
}

/** Parts of settings that may have a judge of their own; the pairs of a reward model are names. */
const judgedParts: readonly string[] = ['guard', 'pairs', 'labels'];

function withDecisiveJudge(part: unknown): unknown {
  if (typeof part !== 'object' || part === null || !('judge' in part)) return part;
  return { ...part, judge: decisiveJudge(part.judge as Partial<JudgeSettings>) };
}

function decisiveRewards(rewards: unknown): unknown {
  if (!Array.isArray(rewards)) return rewards;
  return rewards.map(({ judge, ...others }: { readonly judge?: Partial<JudgeSettings> }) =>
    judge === undefined ? others : { ...others, judge: decisiveJudge(judge) },
  );
}

/**
 * The settings of a stage, as its checkpoints are marked with: without the length where a step is the same step in a longer run.
 *
 * @param notLonger `whyNotLonger` of the settings
 */
export function settingsOfWeights(settings: StageSettings, notLonger: string | undefined): Settings {
  const type = stageTypes.find((each) => settings[each] !== undefined);
  if (type === undefined) return {};
  const decisive = decisiveSettings(settings[type]);
  const length = lengths[type];
  if (length === undefined || notLonger !== undefined) return { [type]: decisive };
  const { [length]: _, ...others } = decisive;
  return { [type]: others };
}

/** Where a stage has its length, such as `grpo.steps`; nothing for one that has none. */
export function lengthOf(
  settings: StageSettings,
): { readonly type: StageType; readonly field: 'steps' | 'epochs'; readonly value: number } | undefined {
  for (const type of stageTypes) {
    const field = lengths[type];
    const given = settings[type] as Settings | undefined;
    if (field !== undefined && given !== undefined) return { type, field, value: Number(given[field]) };
  }
  return undefined;
}

/** Why a longer run is another run from its first step on, in words; nothing where it only goes on. */
export function whyNotLonger({ pretrain, sft, rewardModel, grpo }: StageSettings): string | undefined {
  const schedule = (pretrain ?? sft ?? rewardModel ?? grpo)?.schedule;
  if (schedule !== undefined && schedule.kind !== 'constant') {
    const length = (sft ?? rewardModel) ? 'epochs' : 'steps';
    return `schedule.kind ${schedule.kind} spreads the learning rate over all ${length}; only constant does not depend on them`;
  }
  if (grpo?.rewards.some(isLate)) {
    return 'lastSteps of a reward counts from the end';
  }
  return undefined;
}
