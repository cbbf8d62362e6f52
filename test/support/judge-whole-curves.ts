import { type Curve, onePointARollout } from '../../trainer/contract/settings/curve.ts';
import type { LearningFinding, LearningSetting } from '../../trainer/algorithms/learning-check.ts';
import { mean } from '../../trainer/algorithms/statistics.ts';

/*
 * What `LearningCheck` finds, written down over whole curves: longer to compute and shorter to believe.
 */

const silentGroups = 100;
const silentRollouts = 5;

const recentRollouts = 5;

const abstainedShare = 0.2;

const cutShare = 0.95;
const cutRollouts = 50;

const mostKl = 5;

const fewestLosses = 30;
const lossesAtAnEnd = 10;
const explodedBy = 1.5;

const stepsToFall = 50;

export function judgeWholeCurves(
  curves: ReadonlyMap<string, Curve>,
  check: LearningSetting & { readonly ended: boolean },
): LearningFinding[] {
  const perRollout = (name: string): Curve =>
    onePointARollout(curves.get(name) ?? { steps: [], values: [] }, check.stepsPerRollout);
  const abstained = abstention(perRollout('abstained_frac'));
  const silent = abstained?.share === 1 ? undefined : silence(perRollout, check);
  const isSupervised = (curves.get('reward')?.values ?? []).length === 0;
  return [
    silent,
    abstained?.finding,
    cutOff(perRollout('completions/clipped_ratio')),
    kl(perRollout('kl')),
    ...(isSupervised
      ? [lossExplodes(curves.get('loss')), lossStays(curves.get('loss'), curves.get('learning_rate'))]
      : []),
  ].filter((finding) => finding !== undefined);
}

function silence(
  perRollout: (name: string) => Curve,
  check: LearningSetting & { readonly ended: boolean },
): LearningFinding | undefined {
  const { steps, values } = perRollout('frac_reward_zero_std');
  const silent = values.length - 1 - values.findLastIndex((value) => value < 1);
  const wasAlways = check.ended && silent === values.length;
  const needed = wasAlways
    ? silentRollouts
    : Math.max(silentRollouts, Math.ceil(silentGroups / check.groupsPerRollout));
  if (silent < needed) return undefined;
  const since = `since step ${firstStepOf(steps[steps.length - silent] ?? 0, check.stepsPerRollout)}`;
  const reward = mean(perRollout('reward').values.slice(-silent));
  const accuracy = perRollout('rewards/accuracy/mean').values.slice(-silent);
  if (accuracy.length > 0 && mean(accuracy) > 0.999) {
    const message = `every completion has been right ${since}: nothing is left to learn from these prompts; take harder ones, or fewer steps`;
    return { reason: 'NothingLeftToLearn', message };
  }
  const found = reward === 0 ? 'no completion has been rewarded' : 'no group has had completions that differ in reward';
  const message = `${found} ${since} (mean reward ${show(reward)}): nothing is learned; look at the samples, and take easier prompts, another verifier or a larger group`;
  return { reason: 'NoSignal', message };
}

function firstStepOf(lastStep: number, stepsPerRollout: number): number {
  return lastStep - stepsPerRollout + 1;
}

function abstention({ values }: Curve): { share: number; finding: LearningFinding } | undefined {
  const share = mean(values.slice(-recentRollouts));
  if (values.length < recentRollouts || share < abstainedShare) return undefined;
  const message = `the verifier could not judge ${Math.round(100 * share)} % of the completions of the last ${recentRollouts} rollouts, which teach nothing: check the answers of the data and their kind`;
  return { share, finding: { reason: 'Abstained', message } };
}

function cutOff({ values }: Curve): LearningFinding | undefined {
  const share = mean(values.slice(-cutRollouts));
  if (values.length < cutRollouts || share < cutShare) return undefined;
  const message = `${Math.round(100 * share)} % of the completions of the last ${cutRollouts} rollouts were cut off at maxNewTokens: what they would have come to is never rewarded; raise sampling.maxNewTokens, or name in chat.stop what ends them`;
  return { reason: 'CutOff', message };
}

function kl({ values }: Curve): LearningFinding | undefined {
  const recent = mean(values.slice(-recentRollouts));
  if (values.length < recentRollouts || recent < mostKl) return undefined;
  const message = `the KL to the reference is ${show(recent)} nats a token over the last ${recentRollouts} rollouts: the policy has come apart; lower learningRate or raise kl.coefficient`;
  return { reason: 'KlExploded', message };
}

function lossExplodes(curve: Curve | undefined): LearningFinding | undefined {
  const values = curve?.values ?? [];
  if (values.length < fewestLosses) return undefined;
  const [first, last] = [mean(values.slice(0, lossesAtAnEnd)), mean(values.slice(-lossesAtAnEnd))];
  if (first <= 0 || last < explodedBy * first) return undefined;
  const message = `the loss has risen from ${show(first)} to ${show(last)}: lower learningRate, or add warm-up steps`;
  return { reason: 'LossExploded', message };
}

function lossStays(curve: Curve | undefined, rates: Curve | undefined): LearningFinding | undefined {
  const values = curve?.values ?? [];
  if (stepsAtPeak(rates?.values ?? values) < stepsToFall - 1e-6) return undefined; // 50 is 50 however it is summed
  for (let length = stepsToFall; length < values.length; length *= 2) {
    if (hasFallen(values.slice(0, length))) return undefined;
  }
  if (hasFallen(values)) return undefined;
  const [first, last] = [firstQuarter(values), lastQuarter(values)].map((each) => show(median(thinned(each))));
  const message = `the loss has not fallen measurably: ${first} in the first quarter of the steps, ${last} in the last; raise learningRate, or stop if nothing is left to learn`;
  return { reason: 'LossNotFalling', message };
}

function stepsAtPeak(rates: readonly number[]): number {
  const peak = rates.reduce((most, rate) => Math.max(most, rate), 0);
  return peak === 0 ? rates.length : rates.reduce((sum, rate) => sum + rate / peak, 0);
}

function hasFallen(values: readonly number[]): boolean {
  const [first, last] = [thinned(firstQuarter(values)), thinned(lastQuarter(values))];
  const n = first.length;
  let above = 0;
  for (const before of first) for (const after of last) above += before > after ? 1 : before === after ? 0.5 : 0;
  return above - n ** 2 / 2 >= 2 * Math.sqrt((n ** 2 * (2 * n + 1)) / 12);
}

function thinned(values: readonly number[]): readonly number[] {
  const every = Math.ceil(values.length / 100);
  return values.filter((_, at) => at % every === 0);
}

function firstQuarter(values: readonly number[]): readonly number[] {
  return values.slice(0, Math.floor(values.length / 4));
}

function lastQuarter(values: readonly number[]): readonly number[] {
  return values.slice(-Math.floor(values.length / 4));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function show(value: number): string {
  return String(Number(value.toPrecision(3)));
}
