import type { StageSettings } from './settings.ts';

/** Files with rewards of one's own that a stage names, each once. */
export function rewardFiles({ grpo }: Pick<StageSettings, 'grpo'>): string[] {
  return [...new Set((grpo?.rewards ?? []).flatMap(({ module, python }) => (module ?? python)?.file ?? []))];
}

/** The settings with something else in the place of each such file: its absolute path, or what it holds. */
export function mapRewardFiles<S extends Pick<StageSettings, 'grpo'>>(settings: S, map: (file: string) => string): S {
  if (rewardFiles(settings).length === 0) return settings;
  const rewards = settings.grpo?.rewards.map(({ module, python, ...others }) => ({
    ...others,
    ...(module && { module: { ...module, file: map(module.file) } }),
    ...(python && { python: { ...python, file: map(python.file) } }),
  }));
  return { ...settings, grpo: { ...settings.grpo, rewards } };
}
