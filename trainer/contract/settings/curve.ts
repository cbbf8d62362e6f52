/** A metric over the steps that gave it, in their order. */
export interface Curve {
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

/**
 * The steps that learn from one rollout repeat the figures of its completions. Its last step speaks for it; of a rollout that was cut
 * short by the end of the stage, the last one that there is.
 *
 * @param stepsPerRollout 1 for supervised stages
 */
export function onePointARollout({ steps, values }: Curve, stepsPerRollout: number): Curve {
  const rollout = (step: number): number => Math.ceil(step / stepsPerRollout);
  const last = steps.flatMap((step, at) => {
    const next = steps[at + 1];
    return next === undefined || rollout(next) !== rollout(step) ? [at] : [];
  });
  return { steps: last.map((at) => steps[at] as number), values: last.map((at) => values[at] as number) };
}
