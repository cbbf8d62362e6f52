import type { SampleSettings } from '../contract/settings/settings.ts';

type Filter = SampleSettings['keep'][number];
type Domain = 'reasoning' | 'general';

/** What is known of one sampled completion when it enters the funnel. */
export interface Candidate {
  readonly text: string;
  readonly tokens: number;
  /** Which filters it passes; `correct` is `undefined` where the verifier abstained. */
  readonly passes: Readonly<Record<Exclude<Filter, 'correct'>, boolean>> & { readonly correct: boolean | undefined };
  /** Accuracy score, 0–1. */
  readonly accuracy: number;
  /** What is against it before all filters. */
  readonly fault?: Fault | undefined;
  /** What a judge gave it, 0–1; absent where it was not asked. */
  readonly judge?: number | undefined;
  readonly rewardModel?: number | undefined;
}

/** It has words of an evaluation question; a thought was asked for, and there is none. */
export type Fault = 'contaminated' | 'noThought';

/** Where the sampled completions went: `sampled` is `kept` plus the sum of `dropped`. */
type Cause = Fault | 'abstained' | Filter | 'duplicate' | JudgedCause | 'outranked' | 'overQuota';

/** Counted where the settings ask for it. */
type OptionalCause = Fault | JudgedCause;

/**
 * Why the stage's judge leaves a completion out: it finds it too bad, cannot tell good from bad, or says nothing that can be read. One that is in no pair has none as
 * long beside it, or the judge finds both as good.
 */
type JudgedCause = 'tooLow' | 'unmatched' | 'draw' | 'uncertain' | 'unjudged';

export interface FunnelCounts {
  readonly prompts: number;
  readonly sampled: number;
  readonly dropped: Readonly<Record<Exclude<Cause, OptionalCause>, number> & Partial<Record<OptionalCause, number>>>;
  readonly kept: number;
  readonly keptByDomain: Readonly<Record<Domain, number>>;
}

type FunnelSettings = Pick<
  SampleSettings,
  'keep' | 'rank' | 'keepPerPrompt' | 'quotas' | 'judge' | 'pairs' | 'labels' | 'decontaminate' | 'thoughts'
>;

export interface Funnel {
  /** Those of one prompt's completions that pass the filters, each text once. */
  survivors<T extends Candidate>(candidates: readonly T[]): T[];
  /** The kept ones of one prompt's survivors, best first. */
  best<T extends Candidate>(domain: Domain, survivors: readonly T[]): T[];
  /** The kept ones of one prompt's rows, which are completions or pairs of them, best first. */
  keep<T>(domain: Domain, ranked: readonly T[]): T[];
  /** So many survivors the judge leaves out. */
  drop(cause: JudgedCause, completions: number): void;
  /** No more rows of this domain are wanted: its remaining prompts need not be sampled. */
  full(domain: Domain): boolean;
  counts(): FunnelCounts;
}

/**
 * Rejection sampling, prompt by prompt, so that memory does not grow with the data: filters in their order, duplicates, the judge,
 * rank, the best `keepPerPrompt`, the domain's quota. A completion is counted where it was dropped first.
 */
export function createFunnel(settings: FunnelSettings): Funnel {
  const perRow = settings.pairs === undefined ? 1 : 2;
  const dropped: Record<Exclude<Cause, OptionalCause>, number> & Partial<Record<OptionalCause, number>> = {
    ...(settings.thoughts && { noThought: 0 }),
    ...(settings.decontaminate && { contaminated: 0 }),
    abstained: 0,
    correct: 0,
    readable: 0,
    oneLanguage: 0,
    notOverlong: 0,
    duplicate: 0,
    ...(settings.judge && { tooLow: 0, unjudged: 0 }),
    ...(settings.pairs && { unmatched: 0, draw: 0, unjudged: 0 }),
    ...(settings.labels && { uncertain: 0, unjudged: 0 }),
    outranked: 0,
    overQuota: 0,
  };
  const keptByDomain = { reasoning: 0, general: 0 };
  let [prompts, sampled] = [0, 0];
  const room = (domain: Domain) => (settings.quotas?.[domain] ?? Infinity) - keptByDomain[domain] / perRow;

  const drop = (cause: Cause, completions: number): void => {
    dropped[cause] = (dropped[cause] ?? 0) + completions;
  };

  const funnel: Omit<Funnel, 'best'> = {
    survivors(candidates) {
      prompts++;
      sampled += candidates.length;
      const seen = new Set<string>();
      return candidates.filter((candidate) => {
        const cause = firstFailure(settings.keep, candidate) ?? (seen.has(candidate.text) ? 'duplicate' : undefined);
        if (cause === undefined) seen.add(candidate.text);
        else drop(cause, 1);
        return cause === undefined;
      });
    },
    keep(domain, ranked) {
      const best = ranked.slice(0, settings.keepPerPrompt);
      const kept = best.slice(0, room(domain));
      dropped.outranked += (ranked.length - best.length) * perRow;
      dropped.overQuota += (best.length - kept.length) * perRow;
      keptByDomain[domain] += kept.length * perRow;
      return kept;
    },
    drop,
    full: (domain) => room(domain) <= 0,
    counts: () => ({
      prompts,
      sampled,
      dropped: { ...dropped },
      kept: keptByDomain.reasoning + keptByDomain.general,
      keptByDomain: { ...keptByDomain },
    }),
  };
  return {
    ...funnel,
    best: (domain, survivors) =>
      funnel.keep(
        domain,
        survivors.toSorted((a, b) => compareRank(settings.rank, a, b)),
      ),
  };
}

function firstFailure(keep: readonly Filter[], { passes, fault }: Candidate): Filter | Fault | 'abstained' | undefined {
  if (fault) return fault;
  const failed = keep.find((filter) => passes[filter] !== true);
  return failed === 'correct' && passes.correct === undefined ? 'abstained' : failed;
}

/** Negative if `a` is better. Equal ones stay in the order in which they were sampled. */
function compareRank(rank: FunnelSettings['rank'], a: Candidate, b: Candidate): number {
  for (const criterion of rank) {
    const difference = {
      accuracy: b.accuracy - a.accuracy,
      judge: (b.judge ?? -Infinity) - (a.judge ?? -Infinity),
      rewardModel: (b.rewardModel ?? -Infinity) - (a.rewardModel ?? -Infinity),
      shortest: a.tokens - b.tokens,
    }[criterion];
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
  }
  return 0;
}
