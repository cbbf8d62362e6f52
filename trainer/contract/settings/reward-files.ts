import type { DatasetSettings } from './dataset.ts';
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

type Answered = Pick<DatasetSettings, 'answer'>;

/** Files with verifiers of one's own that datasets name, each once. */
export function verifierFiles(datasets: readonly Answered[]): string[] {
  const files = datasets.flatMap(({ answer }) => (answer?.verifier?.module ?? answer?.verifier?.python)?.file ?? []);
  return [...new Set(files)];
}

/** A dataset with something else in the place of that file: its absolute path, or what it holds. */
export function mapVerifierFile<D extends Answered>(dataset: D, map: (file: string) => string): D {
  const { answer } = dataset;
  if (answer?.verifier === undefined) return dataset;
  const { module, python, ...others } = answer.verifier;
  const verifier = {
    ...others,
    ...(module && { module: { ...module, file: map(module.file) } }),
    ...(python && { python: { ...python, file: map(python.file) } }),
  };
  return { ...dataset, answer: { ...answer, verifier } };
}
