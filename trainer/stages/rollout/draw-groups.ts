import { randomKey } from '../../algorithms/random.ts';
import { sampleStd } from '../../algorithms/statistics.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import type { GrpoSettings } from '../../contract/settings/settings.ts';
import { updatesPerRollout } from '../../contract/settings/updates-per-rollout.ts';
import type { Prompts } from '../../data/order/prompt-order.ts';
import type { Rewards, ScoredCompletion } from '../../rewards/create-rewards.ts';
import type { Verify } from '../../rewards/modules/own-verifiers.ts';
import { completeRows, inGroups, type SampledCompletion } from '../policy/completions.ts';
import type { Policy } from '../policy/policy.ts';
import { requireGraded } from '../policy/require-graded.ts';

export type Scored = SampledCompletion & ScoredCompletion;

export interface RolloutRequest {
  readonly settings: GrpoSettings;
  readonly seed: number;
  /** Name of the stage; random numbers depend on it. */
  readonly stage: string;
  readonly rewards: Rewards;
  readonly prompts: Prompts;
  /** Says which tries are wrong, where there are several. */
  readonly verify: Verify;
  /** Opens the model that teaches, where there is one. */
  readonly teacher?: (() => Promise<Policy>) | undefined;
  /** Optimizer steps before it; a rollout follows only on a whole one. */
  readonly step: number;
}

export interface DrawnGroups {
  /** As many as a rollout has. */
  readonly kept: readonly (readonly Scored[])[];
  /** With those that were drawn again. */
  readonly drawn: readonly (readonly Scored[])[];
  readonly rounds: number;
  /** Time of the sampling alone. */
  readonly sampledMs: number;
}

/**
 * Samples and scores the groups of a rollout. With dynamic sampling those without a signal are drawn again, from other prompts, as long as
 * there are rounds left; what is then missing is made up by the first of those without. Which prompts come is a function of the step, so
 * that a resumed stage draws the same.
 *
 * Source: DAPO, arXiv:2503.14476, §3.2.
 *
 * @throws UserError if of the first round no completion can be graded
 */
export async function drawGroups(policy: Policy, request: RolloutRequest): Promise<DrawnGroups> {
  const { settings, step, prompts } = request;
  const index = step / updatesPerRollout(settings);
  const size = settings.promptsPerStep * settings.stepsPerRollout;
  const maxRounds = settings.dynamicSampling?.maxRounds ?? 1;
  const drawn: (readonly Scored[])[] = [];
  const teaching: (readonly Scored[])[] = [];
  let [rounds, sampledMs] = [0, 0];
  while (rounds < maxRounds && teaching.length < size) {
    const missing = size - teaching.length;
    const rows =
      rounds === 0
        ? prompts(index * size, size)
        : prompts((index * (maxRounds - 1) + rounds - 1) * size, missing, 'redrawn-prompts');
    // oxlint-disable-next-line no-await-in-loop -- how many are missing is known once a round has been scored
    const round = await completeAndScore(policy, request, rows, rounds * size);
    drawn.push(...round.groups);
    teaching.push(...round.groups.filter(hasSignal));
    sampledMs += round.sampledMs;
    rounds++;
  }
  if (maxRounds === 1) return { kept: drawn, drawn, rounds, sampledMs };
  const silent = drawn.filter((group) => !hasSignal(group));
  return { kept: [...teaching, ...silent].slice(0, size), drawn, rounds, sampledMs };
}

/** @param firstPlace of the rows in the rollout: it is part of the random numbers, for a small dataset may come twice */
async function completeAndScore(
  policy: Policy,
  { settings, seed, stage, rewards, verify, step }: RolloutRequest,
  rows: readonly Row[],
  firstPlace: number,
): Promise<{ readonly groups: (readonly Scored[])[]; readonly sampledMs: number }> {
  const startedMs = performance.now();
  const index = step / updatesPerRollout(settings);
  const key = (row: Row, sample: number, place: number) =>
    randomKey(seed, stage, 'rollout', index, firstPlace + place, row.id, sample);
  const { accept } = settings.rollout;
  const completing = { ...settings, sampling: samplingAt(settings, step), verify, accept };
  const sampled = (await completeRows(policy, rows, settings.group, completing, key)).flat();
  const sampledMs = performance.now() - startedMs;
  const scored = (await rewards.score(sampled, step + 1)).map((completion) => discounted(settings, completion));
  if (firstPlace === 0) requireGraded(step + 1, scored);
  return { groups: inGroups(scored, settings.group), sampledMs };
}

/**
 * An answer that took several tries is worth less, so that the first one stays worth its while: without a discount, what is tried first costs
 * nothing. Source: Liu et al., arXiv:2507.14295 (UFO), §3.
 */
export function discounted<T extends Pick<Scored, 'reward' | 'tries'>>(
  { refine }: Pick<GrpoSettings, 'refine'>,
  completion: T,
): T {
  const { reward = 0, tries } = completion;
  return refine === undefined || tries === 0 || reward <= 0
    ? completion
    : { ...completion, reward: reward * refine.discount ** tries };
}

/** How completions are sampled after so many steps: the schedule may have them shorter for a time. */
export function samplingAt(
  { sampling, lengthSchedule = [] }: Pick<GrpoSettings, 'sampling' | 'lengthSchedule'>,
  step: number,
): GrpoSettings['sampling'] {
  const [now] = lengthSchedule
    .filter(({ untilStep }) => step < untilStep)
    .toSorted((a, b) => a.untilStep - b.untilStep);
  return now === undefined ? sampling : { ...sampling, maxNewTokens: now.maxNewTokens };
}

/** Its completions differ in reward. */
function hasSignal(group: readonly Scored[]): boolean {
  return sampleStd(group.map(({ reward }) => reward).filter((reward) => reward !== undefined)) > 0;
}
