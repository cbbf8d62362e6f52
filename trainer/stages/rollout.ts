import { groupAdvantages } from '../algorithms/advantages.ts';
import { samplingLogpDifference } from '../algorithms/policy-metrics.ts';
import { randomKey } from '../algorithms/random.ts';
import type { Row } from '../contract/dataset.ts';
import type { GrpoSettings } from '../contract/settings.ts';
import { promptBatch } from '../data/prompt-order.ts';
import type { Rewards, ScoredCompletion } from '../rewards/create-rewards.ts';
import { completionMetrics, rewardMetrics, type ScoredSample } from '../rewards/metrics.ts';
import { completeRows, type RowCompletion, type SampleKey } from './completions.ts';
import type { Policy } from './policy.ts';
import type { Metrics } from './metrics.ts';
import { type Sample, shownCompletion } from './stage-log.ts';
import type { Workspace } from './workspace.ts';

/** One completion with everything its update needs. */
export interface RolloutCompletion {
  readonly promptIds: number[];
  readonly completionIds: number[];
  /** Probabilities under the policy that sampled it. */
  readonly oldProbs: Float32Array;
  readonly refProbs: Float32Array;
  readonly advantage: number;
  /** False where the verifier abstained: such a completion teaches nothing. */
  readonly graded: boolean;
}

export interface Rollout {
  /** In the order of the prompts, siblings side by side. */
  readonly completions: readonly RolloutCompletion[];
  /** Figures that hold for each of its optimizer steps. */
  readonly metrics: Metrics;
  /** Sampled. */
  readonly tokens: number;
}

export interface RolloutRequest {
  readonly settings: GrpoSettings;
  readonly workspace: Workspace;
  readonly policy: Policy;
  readonly rewards: Rewards;
  readonly prompts: readonly Row[];
  /** Optimizer steps before it; a rollout follows only on a whole one. */
  readonly step: number;
}

/** A reference probability that underflows to 0 would make the KL estimate infinite. */
const leastProbability = 1e-30;

/** Optimizer steps that learn from one rollout: its mini-batches, each as often as it is trained on. */
export function updatesPerRollout({ stepsPerRollout, epochsPerRollout }: GrpoSettings): number {
  return stepsPerRollout * epochsPerRollout;
}

/** What each optimizer step of a rollout learns from: its mini-batches of whole groups, epoch after epoch. */
export function miniBatches({ completions }: Rollout, settings: GrpoSettings): (readonly RolloutCompletion[])[] {
  const size = settings.promptsPerStep * settings.group;
  return Array.from({ length: updatesPerRollout(settings) }, (_, update) => {
    const start = (update % settings.stepsPerRollout) * size;
    return completions.slice(start, start + size);
  });
}

/** Samples groups, scores them, and turns rewards into advantages. */
export async function rollOut({
  settings,
  workspace,
  policy,
  rewards,
  prompts,
  step,
}: RolloutRequest): Promise<Rollout> {
  const { seed, stage } = workspace.file;
  const startedMs = performance.now();
  const index = step / updatesPerRollout(settings);
  const size = settings.promptsPerStep * settings.stepsPerRollout;
  const rows = promptBatch(prompts, seed, index * size, size);
  // The place of the row in the rollout is part of the key: a small dataset may come twice.
  const key = (row: Row, sample: number, place: number) =>
    randomKey(seed, stage, 'rollout', index, place, row.id, sample);
  const groups = await completeRows(policy, rows, settings.group, settings.sampling, key);
  const sampledMs = performance.now();
  const scored = await scoreGroups(rows, groups, rewards, step, key);
  const advantages = groupAdvantages(
    scored.map((group) => group.map(({ reward }) => reward)),
    { epsilon: settings.advantageEpsilon, loss: settings.loss },
  ).flat();
  await saveSamples(workspace, step + 1, groups, scored);

  const completions = groups.flat();
  const samples = scored.flat();
  const sequences = completions.map(toSequence);
  const { temperature } = settings.sampling;
  const refProbs = (await policy.engine.tokenProbabilities(sequences, { set: 'reference', temperature })).map((probs) =>
    probs.map((prob) => Math.max(prob, leastProbability)),
  );
  // With several updates a rollout, only the first would compare equal weights; so compare before any of them.
  const check =
    updatesPerRollout(settings) > 1
      ? await policy.engine.tokenProbabilities(sequences, { set: 'policy', temperature })
      : undefined;
  const tokens = completions.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  const metrics = {
    ...rewardMetrics(scored, rewards.names),
    ...completionMetrics(samples),
    ...(check &&
      samplingLogpDifference(
        completions.map(({ probs }) => probs),
        check,
      )),
    tokens_per_s: (tokens / (sampledMs - startedMs)) * 1000,
  };
  return {
    metrics,
    tokens,
    completions: completions.map((completion, at) => ({
      ...toSequence(completion),
      oldProbs: completion.probs,
      refProbs: refProbs[at] ?? completion.probs,
      advantage: advantages[at] ?? 0,
      graded: samples[at]?.reward !== undefined,
    })),
  };
}

/** Scores of every completion, `[groups][samples]`. */
async function scoreGroups(
  rows: readonly Row[],
  groups: readonly (readonly RowCompletion[])[],
  rewards: Rewards,
  step: number,
  key: SampleKey,
): Promise<ScoredSample[][]> {
  const completions = groups.flatMap((group, place) => {
    const row = rows[place] as Row;
    return group.map(({ text, opening, tokenIds, finish }, sample) => ({
      row,
      text,
      opening,
      tokens: tokenIds.length,
      terminated: finish === 'stop',
      key: key(row, sample, place),
    }));
  });
  const scored = await rewards.score(completions, step + 1);
  const samples = completions.map((completion, at) => ({ ...completion, ...(scored[at] as ScoredCompletion) }));
  const size = groups[0]?.length ?? 0;
  return groups.map((_, place) => samples.slice(place * size, (place + 1) * size));
}

function toSequence({ promptIds, tokenIds }: RowCompletion): { promptIds: number[]; completionIds: number[] } {
  return { promptIds: [...promptIds], completionIds: [...tokenIds] };
}

/** Steps between two looks at a completion in the report. */
const samplesEvery = 20;

async function saveSamples(
  workspace: Workspace,
  step: number,
  groups: readonly (readonly RowCompletion[])[],
  scored: readonly (readonly ScoredSample[])[],
): Promise<void> {
  if ((step - 1) % samplesEvery !== 0) return;
  const samples = scored.slice(0, 2).flatMap((group, place): Sample[] => {
    const [first] = group;
    if (!first) return [];
    const { row, reward, scores } = first;
    return [
      {
        dataset: row.dataset,
        prompt: row.messages.map(({ content }) => content).join('\n'),
        ...shownCompletion(groups[place]?.[0]),
        ...(reward !== undefined && { reward }),
        scores,
        ...(row.answer && { gold: row.answer.gold }),
      },
    ];
  });
  await workspace.log.samples(step, samples);
}
