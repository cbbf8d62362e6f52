import { judgesBesideRewards } from '../../contract/settings/judge.ts';
import type { StageSettings } from '../../contract/settings/settings.ts';
import type { ModelConfig } from '../../models/config.ts';
import { type ModelPlace, configOf } from './config-of.ts';

/**
 * Sizes of the reward models, judges and teachers that a stage may open, by name; without those that cannot be read, which is told elsewhere.
 *
 * @param find where the model of a stage lies
 */
export async function rewardModelConfigs(
  { grpo, sample, rewardModel: trained }: StageSettings,
  find: (stage: string) => ModelPlace | undefined,
): Promise<ReadonlyMap<string, ModelConfig>> {
  const names = new Set([
    ...(grpo?.rewards ?? []).flatMap(({ rewardModel, judge }) => rewardModel?.from ?? judge?.from ?? []),
    ...(grpo?.guard?.rewardModel === undefined ? [] : [grpo.guard.rewardModel.from]),
    ...(grpo?.distillation === undefined ? [] : [grpo.distillation.from]),
    ...(sample?.rewardModel === undefined ? [] : [sample.rewardModel]),
    ...judgesBesideRewards({ grpo, sample }).flatMap(({ from }) => from ?? []),
    ...(trained?.compareWith === undefined ? [] : [trained.compareWith]),
  ]);
  const configs = new Map<string, ModelConfig>();
  for (const name of names) {
    const place = find(name);
    // oxlint-disable-next-line no-await-in-loop -- there are one or two
    const config = place && (await configOf(place));
    if (config) configs.set(name, config);
  }
  return configs;
}
