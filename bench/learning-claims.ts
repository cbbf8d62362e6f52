import { type Comparison, compare, inWords } from '../trainer/contract/settings/control-comparison.ts';
import { mean } from '../trainer/algorithms/statistics.ts';

/** The final metrics of a stage. */
export type Measured = Readonly<Record<string, number>>;

/** What the example shows, and whether it did. */
export interface Claim {
  readonly claim: string;
  readonly holds: boolean;
  readonly found: string;
}

/** What a run of examples/r1-tiny.yaml must show, as far as its stages have run. */
export function claims(stages: ReadonlyMap<string, Measured>): Claim[] {
  const made: Claim[] = [];
  const at = (stage: string, metric: string): number => stages.get(stage)?.[`eval/${metric}`] ?? NaN;
  const rule = (claim: string, [stage, metric]: Figure, holds: (value: number) => boolean): void => {
    if (!stages.has(stage)) return;
    const value = at(stage, metric);
    made.push({ claim, holds: holds(value), found: value.toFixed(3) });
  };
  const above = (claim: string, higherStage: string, lowerStage: string, metric = 'pass@1', by = 0): void => {
    if (!stages.has(higherStage) || !stages.has(lowerStage)) return;
    const [higher, lower] = [at(higherStage, metric), at(lowerStage, metric)];
    made.push({ claim, holds: higher > lower + by, found: against(higher, lower) });
  };
  above('R1-Zero is at least 20 points above base', 'r1-zero', 'base', 'pass@1', 0.2);
  rule('R1-Zero keeps one language in less than 90 %', ['r1-zero', 'language_consistency'], (rate) => rate < 0.9);
  rule('reasoning RL keeps one language in more than 95 %', ['reasoning-rl', 'language_consistency'], almostAlways);
  rule('reasoning RL still thinks in words', ['reasoning-rl', 'worded_rate'], almostAlways);
  above('Dev1 has the format more often than base', 'cold-start', 'base', 'format_rate');
  above('Dev1 keeps one language more often than base', 'cold-start', 'base', 'language_consistency');
  above('reasoning RL is above Dev1', 'reasoning-rl', 'cold-start');
  rule('R1 answers at least 85 % of the sums', ['r1', 'pass@1'], (rate) => rate >= 0.85);
  above('R1 has the preferred style more often than before its final RL', 'r1', 'sft', 'greetings/pass@1');
  above('the distilled student is above its own base', 'distilled', 'student-base');
  return made;
}

type Figure = readonly [stage: string, metric: string];

function almostAlways(rate: number): boolean {
  return rate > 0.95;
}

/** The same stage before and after, of one seed. */
export interface BeforeAndAfter {
  readonly before: Measured | undefined;
  readonly after: Measured | undefined;
}

/** Noise moves a policy, too, and rather down than up: a control fails where it gains measurably, over all seeds together. */
export function doesNotGain(control: string, runs: readonly BeforeAndAfter[]): Claim {
  const gain = meanGain(runs);
  return {
    claim: `with ${control} R1-Zero gains nothing measurable over base`,
    holds: gain.low <= 0,
    found: inWords(gain),
  };
}

/**
 * The mean gain in pass@1 over independent runs, with the interval of 95 % that the standard errors of the evaluations give it:
 * `± 1.96 √(Σ e²) / n`.
 */
export function meanGain(runs: readonly BeforeAndAfter[]): Comparison {
  const of = (side: keyof BeforeAndAfter) => ({
    score: mean(runs.map((run) => run[side]?.['eval/pass@1'] ?? NaN)),
    standardError: Math.hypot(...runs.map((run) => run[side]?.['eval/pass@1_stderr'] ?? NaN)) / runs.length,
  });
  return compare(of('after'), of('before'));
}

/** Evaluation draws the same tokens from the same weights, so that nothing may differ. */
export function staysBase(control: string, base: Measured | undefined, end: Measured | undefined): Claim {
  const [before, after] = passRates(base, end);
  return {
    claim: `with ${control} R1-Zero stays base, to the last answer`,
    holds: after === before,
    found: against(after, before),
  };
}

function against(value: number, other: number): string {
  return `${value.toFixed(3)} against ${other.toFixed(3)}`;
}

function passRates(base: Measured | undefined, end: Measured | undefined): [before: number, after: number] {
  return [base?.['eval/pass@1'] ?? NaN, end?.['eval/pass@1'] ?? NaN];
}
