import { type Curve, onePointARollout } from '../contract/curve.ts';
import { mean } from './statistics.ts';

export interface LearningFinding {
  /** One CamelCase word. */
  readonly reason: LearningReason;
  readonly message: string;
}

export const learningReasons = [
  'NoSignal',
  'NothingLeftToLearn',
  'Abstained',
  'KlExploded',
  'LossExploded',
  'LossNotFalling',
] as const;
export type LearningReason = (typeof learningReasons)[number];

export interface LearningCheck {
  /** Steps that learn from one rollout and repeat its figures; 1 for supervised stages. */
  readonly stepsPerRollout: number;
  /** Prompts of a rollout. */
  readonly groupsPerRollout: number;
  /** No step follows: what was too short to judge so far is judged as it is. */
  readonly ended: boolean;
}

/**
 * Where one group in twenty has a signal, a hundred have none by chance with probability 0.95^100 = 0.6 %. Rollouts of
 * hundreds of prompts still get five chances, since prompts of one rollout are sampled by one policy.
 */
const silentGroups = 100;
const silentRollouts = 5;

/** Rollouts over which a figure of completions or of the KL is averaged, so that one odd batch says nothing. */
const recentRollouts = 5;

/** A fifth of the sampling paid for and thrown away. */
const abstainedShare = 0.2;

/** Nats a token. Published runs stay below 0.5; a mean of 5 is another model than the reference. */
const mostKl = 5;

const fewestLosses = 30;
const lossesAtAnEnd = 10;
/** Cross-entropy of half as much again as at the start is more than a warm-up that overshoots. */
const explodedBy = 1.5;

/** Steps at the full learning rate after which a loss that learns has fallen measurably. */
const stepsToFall = 50;

/**
 * Why a stage may be learning nothing, from its curves so far: no two completions of a group that differ in reward, verifiers
 * that abstain, a KL or a loss that explodes, a supervised loss that does not fall. Bounds are chosen so that a run that
 * learns is left alone; each says why.
 */
export function checkLearning(curves: ReadonlyMap<string, Curve>, check: LearningCheck): LearningFinding[] {
  const perRollout = (name: string): Curve =>
    onePointARollout(curves.get(name) ?? { steps: [], values: [] }, check.stepsPerRollout);
  const abstained = abstention(perRollout('abstained_frac'));
  const silent = abstained?.share === 1 ? undefined : silence(perRollout, check);
  const isSupervised = (curves.get('reward')?.values ?? []).length === 0;
  return [
    silent,
    abstained?.finding,
    kl(perRollout('kl')),
    ...(isSupervised
      ? [lossExplodes(curves.get('loss')), lossStays(curves.get('loss'), curves.get('learning_rate'))]
      : []),
  ].filter((finding) => finding !== undefined);
}

function silence(perRollout: (name: string) => Curve, check: LearningCheck): LearningFinding | undefined {
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

/**
 * Neither in the whole run nor in any of its beginnings of 50, 100, 200 … steps. The beginnings count, since a loss that falls at once and
 * then rests has learned, however long it rests.
 */
function lossStays(curve: Curve | undefined, rates: Curve | undefined): LearningFinding | undefined {
  const values = curve?.values ?? [];
  if (stepsAtPeak(rates?.values ?? values) < stepsToFall) return undefined;
  for (let length = stepsToFall; length < values.length; length *= 2) {
    if (hasFallen(values.slice(0, length))) return undefined;
  }
  if (hasFallen(values)) return undefined;
  const [first, last] = [firstQuarter(values), lastQuarter(values)].map((each) => show(median(each)));
  const message = `the loss has not fallen measurably: ${first} in the first quarter of the steps, ${last} in the last; raise learningRate, or stop if nothing is left to learn`;
  return { reason: 'LossNotFalling', message };
}

/** The steps of warm-up and decay count by their share of the peak; where the rate is 0 throughout, every step counts. */
function stepsAtPeak(rates: readonly number[]): number {
  const peak = rates.reduce((most, rate) => Math.max(most, rate), 0);
  return peak === 0 ? rates.length : rates.reduce((sum, rate) => sum + rate / peak, 0);
}

/**
 * The first quarter lies above the last by two standard deviations of Mann and Whitney's U. It looks at ranks: one odd batch
 * among small losses would hide a fall from their means.
 */
function hasFallen(values: readonly number[]): boolean {
  const [first, last] = [thinned(firstQuarter(values)), thinned(lastQuarter(values))];
  const n = first.length;
  let above = 0;
  for (const before of first) for (const after of last) above += before > after ? 1 : before === after ? 0.5 : 0;
  return above - n ** 2 / 2 >= 2 * Math.sqrt((n ** 2 * (2 * n + 1)) / 12);
}

/** A hundred values say enough, and every one is compared with every other after every step. */
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
