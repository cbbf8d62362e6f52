import type { ProgressLine } from '../../trainer/contract/files/progress.ts';

/** The metrics a person watches, in this order, with the name shown. */
const watched: readonly (readonly [metric: string, shown: string])[] = [
  ['reward', 'reward'],
  ['loss', 'loss'],
  ['accuracy', 'accuracy'],
  ['kl', 'kl'],
  ['eval/pass@1', 'pass@1'],
  ['eval/format_rate', 'format'],
  ['eval/language_consistency', 'language'],
  ['eval_train/pass@1', 'pass@1 on training rows'],
  ['eval_train/format_rate', 'format on training rows'],
];

/** `train 20/200  reward 1.234  loss 0.012  pass@1 0.45  2m 10s left` */
export function progressText({
  phase,
  step,
  steps,
  metrics,
  secondsLeft,
}: Pick<ProgressLine, 'phase' | 'step' | 'steps' | 'metrics' | 'secondsLeft'>): string {
  return [
    `${phase} ${step}/${steps}`,
    ...metricTexts(metrics),
    ...(secondsLeft !== undefined && step < steps ? [`${shortDuration(secondsLeft)} left`] : []),
  ].join('  ');
}

/** The watched metrics as `name value`. */
export function metricTexts(metrics: Readonly<Record<string, number>>): string[] {
  return watched.flatMap(([metric, shown]) => {
    const value = metrics[metric];
    return value === undefined ? [] : [`${shown} ${shortNumber(value)}`];
  });
}

/** Three decimals; an exponent for what they would not show. */
function shortNumber(value: number): string {
  return value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6) ? value.toExponential(1) : value.toFixed(3);
}

/** `45s`, `2m 10s`, `1h 05m` */
export function shortDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, '0')}s`;
  return `${Math.floor(whole / 3600)}h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')}m`;
}
