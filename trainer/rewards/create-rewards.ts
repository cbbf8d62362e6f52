import { randomKey, uniform, type RandomKey } from '../algorithms/random.ts';
import { zip } from '../algorithms/zip.ts';
import type { Row } from '../contract/settings/dataset.ts';
import type { JudgeSettings } from '../contract/settings/judge.ts';
import { ownReward, type OwnRewardSettings, type RewardSettings } from '../contract/settings/rewards.ts';
import { rewardNames } from '../contract/settings/result-metrics.ts';
import { formatReward } from './responses/format.ts';
import { lengthPenalty } from './responses/length.ts';
import type { Sample } from './modules/protocol.ts';
import type { Score, Unscored } from './score.ts';
import type { Verify } from './modules/own-verifiers.ts';
import { otherTasks } from './other-tasks.ts';
import { promptText } from './responses/prompt-text.ts';
import { responseConsistency } from './responses/response-consistency.ts';
import { type Scope, withinScope } from './responses/scope.ts';
import { verifyApart } from './apart/verify-apart.ts';
import type { Verdict } from './verifiers/verifier.ts';

/** A completion to be scored. */
export interface Completion {
  readonly row: Row;
  /** The whole response. */
  readonly text: string;
  /** What of it the prompt already had. */
  readonly opening?: string;
  /** Length in tokens, with the stop token. */
  readonly tokens: number;
  /** Names this sample; the random reward draws from it. */
  readonly key: RandomKey;
}

/** What is measured of every completion, rewarded or not. */
export interface Measures {
  readonly verdict: Verdict;
  readonly formatted: boolean;
  readonly languageConsistency: number;
}

export interface ScoredCompletion extends Measures {
  /** Unweighted score by the name of the reward, of those that apply to the row; `undefined` if it has none. */
  readonly scores: Readonly<Record<string, number | undefined>>;
  /** Why a reward of one's own has no score, by its name; absent where all have one. */
  readonly unscored?: Readonly<Record<string, Unscored>>;
  /**
   * Weighted sum, or `undefined` if any reward has no score: the completion is then left out of its group. One of one's own that abstained on all completions of the
   * prompt does not apply to it, unless no other does.
   */
  readonly reward: number | undefined;
}

/** A response to be scored, with what of it the prompt already had. */
export type Response = Pick<Completion, 'row' | 'text' | 'opening'>;

/** Scores of a trained reward model for the response to each prompt, in order; it knows what of them it reads where no scope is named. */
export type ScoreWithModel = (
  reward: { readonly from: string; readonly scope?: Scope | undefined },
  responses: readonly Response[],
) => Promise<readonly number[]>;

/** Scores of a reward of one's own, in order. */
export type ScoreWithModule = (module: OwnRewardSettings, samples: readonly Sample[]) => Promise<readonly Score[]>;

/** Scores by the verdicts of a judge, in order. */
export type ScoreWithJudge = (
  judge: JudgeSettings,
  completions: readonly { readonly row: Row; readonly text: string }[],
) => Promise<readonly Score[]>;

/** What computes rewards that are not computed here; needed where a setting names it. */
export interface Scorers {
  readonly scoreWithModel?: ScoreWithModel;
  readonly scoreWithModule?: ScoreWithModule;
  readonly scoreWithJudge?: ScoreWithJudge;
  /** Where a dataset has a verifier of one's own. */
  readonly verify?: Verify;
}

export interface Rewards {
  /** One a setting, in their order; the names of the metrics `rewards/{name}/mean`. */
  readonly names: readonly string[];
  /** In the same order. */
  readonly weights: readonly number[];
  /**
   * The completions with what was found of each.
   *
   * @param step 1 … steps; decides which rewards of the last steps are active
   */
  score<C extends Completion>(completions: readonly C[], step: number): Promise<(C & ScoredCompletion)[]>;
}

interface NamedReward {
  readonly name: string;
  readonly weight: number;
  readonly applies: (row: Row, step: number) => boolean;
  /** Whether abstaining can mean that it does not apply. */
  readonly isOwn: boolean;
  /** It is computed elsewhere, so that nothing here waits for it before it must. */
  readonly isService: boolean;
  readonly score: Scorer;
}

type Scorer = (
  completions: readonly (Completion & Measures)[],
) => readonly (Score | undefined)[] | Promise<readonly (Score | undefined)[]>;

/**
 * The rewards of a stage, simply added, each times its weight, on the rows of its domains.
 *
 * @param steps of the stage, for rewards of its last steps
 */
export function createRewards(
  settings: readonly RewardSettings[],
  { steps, ...scorers }: { steps: number } & Scorers,
): Rewards {
  const names = rewardNames(settings);
  const rewards = settings.map((setting, index): NamedReward => {
    const [kind, common] = kindOf(setting);
    const first = common.lastSteps === undefined ? 1 : steps - common.lastSteps + 1;
    return {
      name: names[index] ?? kind,
      weight: common.weight,
      applies: (row, step) =>
        step >= first &&
        (common.domains?.includes(row.domain) ?? true) &&
        // A general prompt without a gold answer has nothing to verify; a reasoning prompt without one abstains.
        (kind !== 'accuracy' || row.answer !== undefined || row.domain === 'reasoning'),
      isOwn: ownReward(setting) !== undefined,
      isService: setting.http !== undefined,
      score: scorer(setting, index, scorers),
    };
  });

  return {
    names: rewards.map(({ name }) => name),
    weights: rewards.map(({ weight }) => weight),
    async score<C extends Completion>(completions: readonly C[], step: number) {
      const measured: (C & Measures)[] = [];
      const verdicts = await (scorers.verify ?? verifyAll)(completions);
      for (const [completion, verdict] of zip(completions, verdicts)) {
        measured.push({ ...completion, ...(await measure(completion, verdict)) });
      }
      const scores = completions.map((): Record<string, number | undefined> => ({}));
      const unscored = completions.map((): Record<string, Unscored> => ({}));
      const sums: (number | undefined)[] = completions.map(() => 0);
      const applied = new Set<number>();
      const asked = rewards.map((named) => {
        const indices = [...completions.keys()].filter((index) => named.applies(completions[index]!.row, step));
        const begin = async () => named.score(indices.map((index) => measured[index]!));
        const begun = named.isService && indices.length > 0 ? begin() : undefined;
        void begun?.catch(() => undefined); // it is told where it is waited for, if nothing else failed before
        return { ...named, indices, found: () => begun ?? begin() };
      });
      for (const { name, weight, isOwn, indices, found: scoresOf } of asked) {
        if (indices.length === 0) continue;
        const found = await scoresOf();
        const rows = indices.map((index) => completions[index]!.row);
        const others = isOwn ? otherTasks(rows, found) : undefined;
        for (const [index, given] of zip(indices, found)) {
          const value = typeof given === 'number' && Number.isFinite(given) ? given : undefined;
          if (typeof given === 'object') unscored[index]![name] = given;
          scores[index]![name] = value;
          if (others?.has(completions[index]!.row.id)) continue;
          applied.add(index);
          const sum = sums[index];
          sums[index] = sum === undefined || value === undefined ? undefined : sum + weight * value;
        }
      }
      const isAsked = (index: number): boolean => Object.keys(scores[index]!).length > 0;
      return measured.map((completion, index) => ({
        ...completion,
        scores: scores[index]!,
        ...(Object.keys(unscored[index]!).length > 0 && { unscored: unscored[index]! }),
        reward: isAsked(index) && !applied.has(index) ? undefined : sums[index],
      }));
    },
  };
}

const verifyAll: Verify = (items) => Promise.all(items.map(({ row, text }) => verifyApart(row, text)));

async function measure({ row, text, opening }: Completion, verdict: Verdict): Promise<Measures> {
  return {
    verdict,
    formatted: formatReward(row, text, opening) === 1,
    languageConsistency: await responseConsistency(row, text, opening),
  };
}

type Kind = keyof RewardSettings;

/** What the settings of every kind have. */
interface CommonSettings {
  readonly weight: number;
  readonly domains?: readonly Row['domain'][] | undefined;
  readonly lastSteps?: number | undefined;
}

function kindOf(setting: RewardSettings): [Kind, CommonSettings] {
  const entry = Object.entries(setting).find(([, value]) => value !== undefined);
  if (entry === undefined) throw new Error('a reward without a kind passed the schema');
  return entry as [Kind, CommonSettings];
}

function scorer(
  setting: RewardSettings,
  index: number,
  { scoreWithModel, scoreWithModule, scoreWithJudge }: Scorers,
): Scorer {
  const { length, rewardModel, judge, random } = setting;
  const own = ownReward(setting);
  if (setting.accuracy) return each(({ verdict }) => accuracyScore(verdict));
  if (setting.format) return each(({ formatted }) => Number(formatted));
  if (setting.languageConsistency) return each((completion) => completion.languageConsistency);
  if (length) return each(({ tokens }) => lengthPenalty(tokens, length));
  // Not the sample's own numbers: those chose its tokens, and noise must not know them.
  if (random) return each(({ key }) => uniform(randomKey('random-reward', index, ...key), 0));
  if (own && scoreWithModule) return (completions) => scoreWithModule(own, completions.map(sampleOf));
  if (judge && scoreWithJudge) return (completions) => scoreWithJudge(judge, textsOf(judge, completions));
  if (rewardModel === undefined || scoreWithModel === undefined) throw new Error('a reward has nothing to score it');
  return (completions) => scoreWithModel(rewardModel, completions);
}

/** What of the responses is read. */
function textsOf({ scope }: { readonly scope: Scope }, completions: readonly Completion[]) {
  return completions.map(({ row, text, opening }) => ({
    row,
    text: withinScope(scope, text, opening),
  }));
}

function each(score: (completion: Completion & Measures) => Score | undefined): Scorer {
  return (completions) => completions.map(score);
}

function sampleOf({ row, text }: Completion): Sample {
  return { completion: text, prompt: promptText(row), ...(row.answer && { answer: row.answer.gold }), row };
}

function accuracyScore({ outcome, score, unscored }: Verdict): Score | undefined {
  return outcome === 'abstain' ? unscored : score;
}
