import { inWords } from '../../trainer/contract/settings/control-comparison.ts';
import { mean } from '../../trainer/algorithms/statistics.ts';
import { type Measured, meanGain } from '../learning-claims.ts';
import { median } from '../report.ts';
import type { RunRecord, StageRecord } from './run-record.ts';

/** A run of examples/r1-tiny.yaml with one seed, and the same R1-Zero with what must teach nothing. */
export interface TinyRun {
  readonly seed: number;
  readonly stages: RunRecord;
  readonly randomReward: StageRecord | undefined;
  readonly learningRate0: StageRecord | undefined;
}

/** What was measured of a claim; undefined where the runs do not have the stages for it. */
export interface Finding {
  readonly holds: boolean;
  readonly found: string;
}

export type Judge = (runs: readonly TinyRun[]) => Finding | undefined;

/** A figure of each run that has it, by the median of which a claim is judged. */
export function figure(runs: readonly TinyRun[], of: (run: TinyRun) => number | undefined): number[] {
  return runs.map(of).filter((value) => value !== undefined && Number.isFinite(value)) as number[];
}

function metric({ stages }: TinyRun, stage: string, name: string): number | undefined {
  return stages.get(stage)?.metrics[name];
}

function passedByBase(run: TinyRun): number | undefined {
  return metric(run, 'base', 'eval/pass@1');
}

function difference(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b;
}

/** Claim 1: the gain over base, and that of the controls. */
export const zeroGains: Judge = (runs) => {
  const gains = figure(runs, (run) => difference(metric(run, 'r1-zero', 'eval/pass@1'), passedByBase(run)));
  const random = figure(runs, (run) => difference(run.randomReward?.metrics['eval/pass@1'], passedByBase(run)));
  const still = figure(runs, (run) => difference(run.learningRate0?.metrics['eval/pass@1'], passedByBase(run)));
  if (gains.length === 0 || random.length === 0 || still.length === 0) return undefined;
  const holds = median(gains) >= 0.2 && Math.abs(median(random)) <= 0.03 && median(still) === 0;
  return {
    holds,
    found: `pass@1 ${points(gains)}; with a random reward ${points(random)}, with learning rate 0 ${points(still)}`,
  };
};

/** Claim 5: without a reward for it, Zero does not keep to a language. */
export const zeroMixesLanguages = share(
  'r1-zero',
  'eval/language_consistency',
  'language consistency',
  (rate) => rate < 0.9,
);

/** Claim 6: every completion is kept or counted where it was dropped. */
export const coldStartFunnel: Judge = (runs) => {
  const funnels = runs.flatMap(({ stages }) => stages.get('cold-start-data')?.funnel ?? []);
  if (funnels.length === 0) return undefined;
  return {
    holds: funnels.every(({ sampled, kept, dropped }) => sampled === kept + sum(dropped) && kept > 0),
    found: funnels
      .map(({ sampled, kept, dropped }) => `${sampled} = ${kept} kept + ${sum(dropped)} dropped`)
      .join('; '),
  };
};

/** Claim 8: asking for checks gives more of them. */
export const reflectionPrompted: Judge = (runs) => {
  const rate = (method: string) => figure(runs, (run) => metric(run, 'cold-start-data', `reflection_rate/${method}`));
  const [plain, asked] = [rate('plain'), rate('reflection')];
  if (plain.length === 0 || asked.length === 0) return undefined;
  return {
    holds: median(asked) > median(plain),
    found: `completions that verify or revise: ${list(asked)} where asked for, ${list(plain)} else`,
  };
};

/** Claim 13: during RL the format is kept. */
export const formatKept = share('r1-zero', 'eval/format_rate', 'format rate', (rate) => rate > 0.95);

/** Right answers of a rollout that RL is to come to, and over how many steps the mean is taken. */
const wanted = { share: 0.85, steps: 5 };

/** Claim 11: after SFT more completions verify or revise, and the same RL needs fewer steps from there than from base. */
export const devLearnsFaster: Judge = (runs) => {
  const stepsOf = (stage: string) => figure(runs, ({ stages }) => stepsToShare(stages.get(stage)));
  const phrases = (stage: string) => figure(runs, (run) => metric(run, stage, 'reflection_rate/plain'));
  const [dev, base] = [stepsOf('reasoning-rl'), stepsOf('rl-from-base')];
  const [after, before] = [phrases('phrases-of-dev1'), phrases('phrases-of-base')];
  if (dev.length === 0 || base.length === 0 || after.length === 0 || before.length === 0) return undefined;
  return {
    holds: median(dev) < median(base) && median(after) > median(before),
    found:
      `steps of the same RL to ${wanted.share * 100} % right answers: ${whole(dev)} from Dev1, ${whole(base)} from base; ` +
      `completions that verify or revise: ${list(after)} of Dev1, ${list(before)} of base`,
  };
};

/** The first step at which the mean of so many steps was there; one more than all of them where it never was. */
function stepsToShare(stage: StageRecord | undefined): number | undefined {
  if (stage === undefined) return undefined;
  const rates = stage.steps.map((step) => step['rewards/accuracy/mean'] ?? 0);
  const at = rates.findIndex(
    (_, index) => index + 1 >= wanted.steps && mean(rates.slice(index + 1 - wanted.steps, index + 1)) >= wanted.share,
  );
  return at === -1 ? rates.length + 1 : at + 1;
}

/** Claim 14: with the reward, one language; what it costs in accuracy is printed with its interval, and is little. */
export const languageKept: Judge = (runs) => {
  const kept = (stage: string) => figure(runs, (run) => metric(run, stage, 'eval/language_consistency'));
  const [rewarded, free] = [kept('reasoning-rl'), kept('any-language')];
  if (rewarded.length === 0 || free.length === 0) return undefined;
  const both = runs.filter(({ stages }) => stages.has('reasoning-rl') && stages.has('any-language'));
  const gain = meanGain(
    both.map(({ stages }) => ({
      before: stages.get('any-language')?.metrics,
      after: stages.get('reasoning-rl')?.metrics,
    })),
  );
  return {
    holds: median(rewarded) > 0.98 && median(rewarded) > median(free) && gain.low > -0.05,
    found: `language consistency ${list(rewarded)} with the reward, ${list(free)} without; difference in pass@1 ${inWords(gain)}`,
  };
};

/** Claim 15: RL adds no parameter, such as a value head. */
export const noValueHead: Judge = (runs) => {
  const pairs = runs.flatMap(({ stages }) => {
    const [base, zero] = [stages.get('base')?.tensors, stages.get('r1-zero')?.tensors];
    return base && zero ? [[base.join('\n'), zero.join('\n'), zero.length] as const] : [];
  });
  if (pairs.length === 0) return undefined;
  return {
    holds: pairs.every(([base, zero]) => base === zero),
    found: `R1-Zero has the ${pairs[0]![2]} tensors of base, by name`,
  };
};

/** Claim 24: from chats with thoughts where the query needs one a model thinks there and nowhere else; from the same chats as they were, not at all. */
export const thinksWhereNeeded: Judge = (runs) => {
  const thought = (stage: string, dataset: string) =>
    figure(runs, (run) => metric(run, stage, `eval/${dataset}/thought_rate`));
  const [sums, greetings] = [thought('chat-tuned', 'sums'), thought('chat-tuned', 'greetings')];
  const asTheyWere = thought('chat-as-it-was', 'sums');
  if (sums.length === 0 || greetings.length === 0 || asTheyWere.length === 0) return undefined;
  return {
    holds: median(sums) > 0.9 && median(greetings) < 0.1 && median(asTheyWere) < median(sums),
    found: `answers with a thought after SFT on chats: ${list(sums)} of sums, ${list(greetings)} of greetings; ${list(asTheyWere)} of sums where the chats were not augmented`,
  };
};

/** Claim 25: final RL with both kinds of rewards, one of which is late. */
export const preferencesShape: Judge = (runs) => {
  const style = (stage: string) => figure(runs, (run) => metric(run, stage, 'eval/greetings/pass@1'));
  const [before, after] = [style('sft'), style('r1')];
  if (before.length === 0 || after.length === 0) return undefined;
  return {
    holds: median(after) > median(before),
    found: `preferred style ${list(before)} before, ${list(after)} after`,
  };
};

/** Claim 26: three mixtures of the same prompts, and what each gives and takes; more greetings are to give more of their style. */
export const mixturesCompared: Judge = (runs) => {
  const mixtures = [
    { stage: 'r1', words: 'as many as there are' },
    { stage: 'balanced', words: 'one greeting a sum' },
    { stage: 'mostly-general', words: 'three greetings a sum' },
  ].map(({ stage, words }) => ({
    words,
    accuracy: figure(runs, (run) => metric(run, stage, 'eval/pass@1')),
    style: figure(runs, (run) => metric(run, stage, 'eval/greetings/pass@1')),
  }));
  if (mixtures.some(({ style }) => style.length === 0)) return undefined;
  return {
    holds: median(mixtures[2]!.style) >= median(mixtures[0]!.style),
    found: mixtures
      .map(({ words, accuracy, style }) => `${words}: pass@1 ${list(accuracy)}, preferred style ${list(style)}`)
      .join('; '),
  };
};

/** Claim 30: a distilled student is above its own base, and above its twin that has RL alone. */
export const studentLearns: Judge = (runs) => {
  const passed = (stage: string) => figure(runs, (run) => metric(run, stage, 'eval/pass@1'));
  const [base, distilled, twin] = [passed('student-base'), passed('distilled'), passed('student-rl')];
  if (base.length === 0 || distilled.length === 0 || twin.length === 0) return undefined;
  return {
    holds: median(distilled) > median(twin) && median(distilled) > median(base),
    found: `pass@1 ${list(base)} before, ${list(distilled)} distilled, ${list(twin)} with RL alone`,
  };
};

/** Claim 31: every stage of the one manifest has ended. */
export const wholeRun: Judge = (runs) => {
  const ended = runs.filter(({ stages }) => stages.has('distilled'));
  if (ended.length === 0) return undefined;
  const passed = figure(ended, (run) => metric(run, 'r1', 'eval/pass@1'));
  return {
    holds: passed.length === ended.length,
    found: `all ${ended[0]!.stages.size} stages; R1 pass@1 ${list(passed)}`,
  };
};

/** Claim 3: many updates of several mini-batches a rollout, in little time. */
export function manyUpdates(stage: StageRecord, perRollout: number): Finding {
  const updates = stage.steps.length;
  const seconds = sum(stage.steps.map((step) => step['step_time'] ?? 0));
  return {
    holds: updates > 1000 && seconds < 600 && updates % perRollout === 0,
    found: `${updates} updates = ${updates / perRollout} rollouts × ${perRollout} mini-batches × 1 epoch in ${seconds.toFixed(0)} s`,
  };
}

function share(stage: string, name: string, words: string, holds: (value: number) => boolean): Judge {
  return (runs) => {
    const rates = figure(runs, (run) => metric(run, stage, name));
    return rates.length === 0 ? undefined : { holds: holds(median(rates)), found: `${words} ${list(rates)}` };
  };
}

function sum(counts: Measured | readonly number[]): number {
  return Object.values(counts).reduce((a: number, b: number) => a + b, 0);
}

/** The median, and behind it all of them. */
function list(values: readonly number[]): string {
  return withMedian(values, (value) => value.toFixed(3));
}

function points(values: readonly number[]): string {
  return withMedian(values, (value) => `${value < 0 ? '−' : '+'}${Math.abs(value * 100).toFixed(1)}`);
}

function whole(values: readonly number[]): string {
  return withMedian(values, String);
}

export function withMedian(values: readonly number[], say: (value: number) => string): string {
  return values.length === 1
    ? `${say(values[0]!)} (one seed)`
    : `${say(median(values))} (${values.map(say).join(', ')})`;
}
