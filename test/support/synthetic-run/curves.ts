import { randomKey, uniform } from '../../../trainer/algorithms/random.ts';

/** Numbers in [0, 1), a function of the seed alone. */
function randomStream(seed: number): () => number {
  const key = randomKey('synthetic', seed);
  let index = 0;
  return () => uniform(key, index++);
}

export type Metrics = Record<string, number>;

/** Metric lines of a GRPO stage whose accuracy goes from `from` to `to`. */
export function grpoLines(steps: number, from: number, to: number, seed: number): Metrics[] {
  const random = randomStream(seed);
  const noise = (width: number): number => (random() + random() - 1) * width;
  return Array.from({ length: steps }, (_, i) => {
    const progress = 1 - Math.exp((-3 * (i + 1)) / steps);
    const accuracy = clamp(from + (to - from) * progress + noise(0.08));
    const format = clamp(0.6 + 0.38 * progress + noise(0.04));
    return {
      step: i + 1,
      reward: accuracy + format,
      reward_std: 0.5 - 0.3 * progress + noise(0.05),
      'rewards/accuracy/mean': accuracy,
      'rewards/accuracy/std': 0.4 - 0.2 * progress,
      'rewards/format/mean': format,
      'rewards/format/std': 0.3 - 0.25 * progress,
      frac_reward_zero_std: clamp(0.2 + 0.4 * progress + noise(0.1)),
      'completions/mean_length': 38 - 8 * progress + noise(2),
      'completions/mean_terminated_length': 36 - 8 * progress + noise(2),
      'completions/clipped_ratio': clamp(0.1 - 0.09 * progress + noise(0.02)),
      entropy: 0.6 - 0.4 * progress + noise(0.03),
      kl: 0.04 * progress + Math.abs(noise(0.005)),
      'clip_ratio/low_mean': 0,
      'clip_ratio/high_mean': 0,
      policy_loss: noise(0.02),
      loss: noise(0.02),
      grad_norm: 0.8 - 0.4 * progress + Math.abs(noise(0.2)),
      learning_rate: 3e-4,
      'sampling/sampling_logp_difference/mean': 0,
      'sampling/sampling_logp_difference/max': 0,
      language_consistency: clamp(0.86 + noise(0.05)),
      format_rate: format,
      tokens_per_s: 5200 + noise(400),
      step_time: 0.4 + Math.abs(noise(0.05)),
    };
  });
}

/** Metric lines of a supervised stage. */
export function sftLines(steps: number, from: number, to: number, seed: number): Metrics[] {
  const random = randomStream(seed);
  return Array.from({ length: steps }, (_, i) => {
    const progress = 1 - Math.exp((-4 * (i + 1)) / steps);
    const loss = from + (to - from) * progress + (random() - 0.5) * 0.05;
    return {
      step: i + 1,
      loss,
      entropy: loss * 0.9,
      mean_token_accuracy: clamp(1 - loss / 4),
      grad_norm: 1.5 - progress + random() * 0.3,
      learning_rate: 5e-5 * (0.1 + 0.9 * 0.5 * (1 + Math.cos((Math.PI * i) / steps))),
      trained_token_frac: 0.61,
      step_time: 0.21 + random() * 0.02,
    };
  });
}

/** Metric lines of a reward model. */
export function rewardModelLines(steps: number, seed: number): Metrics[] {
  const random = randomStream(seed);
  return Array.from({ length: steps }, (_, i) => {
    const progress = 1 - Math.exp((-4 * (i + 1)) / steps);
    return {
      step: i + 1,
      loss: 0.69 - 0.6 * progress + random() * 0.03,
      accuracy: clamp(0.5 + 0.48 * progress + (random() - 0.5) * 0.05),
      margin: 3 * progress + random() * 0.2,
      min_reward: -2 * progress,
      mean_reward: 0.1,
      max_reward: 2.2 * progress,
      grad_norm: 1 - 0.7 * progress,
      learning_rate: 1e-3,
      step_time: 0.2,
    };
  });
}

/** Held-out figures after a stage. */
export function evaluation(pass: number, format: number, language: number, rows = 200): Metrics {
  return {
    'eval/pass@1': pass,
    'eval/pass@1_stderr': Math.sqrt((pass * (1 - pass)) / rows),
    'eval/format_rate': format,
    'eval/language_consistency': language,
    'eval/mean_length': 34,
    'eval/sums/pass@1': pass,
    'eval/facts/pass@1': clamp(pass - 0.05),
  };
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
