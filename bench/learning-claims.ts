/** The final metrics of a stage. */
export type Measured = Readonly<Record<string, number>>;

/** What the example shows, and whether it did. */
export interface Claim {
  readonly claim: string;
  readonly holds: boolean;
  readonly found: string;
}

/** Share of the sums that a control may gain by chance: about twice the standard error of a difference. */
const chanceGain = 0.05;

/** What a run of examples/r1-tiny.yaml must show. */
export function claims(stages: ReadonlyMap<string, Measured>): Claim[] {
  const at = (stage: string, metric: string): number => stages.get(stage)?.[`eval/${metric}`] ?? NaN;
  const zeroLanguage = at('r1-zero', 'language_consistency');
  const reasoningLanguage = at('reasoning-rl', 'language_consistency');
  const final = at('r1', 'pass@1');
  return [
    above('R1-Zero is at least 20 points above base', at('r1-zero', 'pass@1'), at('base', 'pass@1'), 0.2),
    rule('R1-Zero keeps one language in less than 90 %', zeroLanguage, zeroLanguage < 0.9),
    rule('reasoning RL keeps one language in more than 95 %', reasoningLanguage, reasoningLanguage > 0.95),
    rule(
      'reasoning RL still thinks in words',
      at('reasoning-rl', 'worded_rate'),
      at('reasoning-rl', 'worded_rate') > 0.95,
    ),
    above('Dev1 has the format more often than base', at('cold-start', 'format_rate'), at('base', 'format_rate')),
    above(
      'Dev1 keeps one language more often than base',
      at('cold-start', 'language_consistency'),
      at('base', 'language_consistency'),
    ),
    above('reasoning RL is above Dev1', at('reasoning-rl', 'pass@1'), at('cold-start', 'pass@1')),
    rule('R1 answers at least 85 % of the sums', final, final >= 0.85),
    above(
      'R1 has the preferred style more often than before its final RL',
      at('r1', 'greetings/pass@1'),
      at('sft', 'greetings/pass@1'),
    ),
    above('the distilled student is above its own base', at('distilled', 'pass@1'), at('student-base', 'pass@1')),
  ];
}

function above(claim: string, higher: number, lower: number, by = 0): Claim {
  return { claim, holds: higher > lower + by, found: against(higher, lower) };
}

function rule(claim: string, value: number, holds: boolean): Claim {
  return { claim, holds, found: value.toFixed(3) };
}

/** Noise moves a policy, too, and rather down than up: a control fails where it gains what a signal would give. */
export function doesNotGain(control: string, base: Measured | undefined, end: Measured | undefined): Claim {
  const [before, after] = passRates(base, end);
  return {
    claim: `with ${control} R1-Zero gains at most 5 points over base`,
    holds: after <= before + chanceGain,
    found: against(after, before),
  };
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
