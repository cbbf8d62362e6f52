import type { Series } from './jsonl.ts';

/** One chart of a stage, drawn in the browser. */
export interface Chart {
  readonly title: string;
  /** Unit of the vertical axis; empty for a plain number. */
  readonly unit: string;
  /** Fixed ends of the vertical axis, such as 0 and 1 for a rate. */
  readonly range?: readonly [number, number];
  /** Opened only on demand. */
  readonly minor: boolean;
  readonly lines: readonly Line[];
}

export interface Line {
  readonly label: string;
  readonly steps: readonly number[];
  readonly values: readonly number[];
  /** Standard error of each value. */
  readonly errors?: readonly number[];
  /** Measured now and then (an evaluation) and drawn with its points; the other lines are one value a step. */
  readonly sparse: boolean;
}

interface Entry {
  readonly title: string;
  readonly unit?: string;
  readonly range?: readonly [number, number];
  readonly minor?: boolean;
  /** Metric names; the first group of a pattern is the label. */
  readonly metrics: readonly (string | RegExp)[];
}

const rate = { range: [0, 1] } as const;

/** Charts in the order shown; a metric belongs to the first entry that names it. Names as in TRL. */
const catalogue: readonly Entry[] = [
  { title: 'Reward', metrics: ['reward'] },
  { title: 'Rewards by kind', metrics: [/^rewards\/(.+)\/mean$/] },
  { title: 'Held-out pass@1', ...rate, metrics: ['eval/pass@1', /^eval\/(.+)\/pass@1$/] },
  { title: 'Pass@1 of the guard', ...rate, metrics: ['guard/pass@1'] },
  { title: 'Score of the guard', metrics: ['guard/score'] },
  {
    title: 'Guard against its good step',
    minor: true,
    metrics: ['guard/change', /^guard\/change_(low|high)$/],
  },
  { title: 'Held-out form', ...rate, metrics: [/^eval\/(format_rate|language_consistency)$/] },
  { title: 'Held-out answers with a thought', ...rate, minor: true, metrics: [/^eval\/(.+)\/thought_rate$/] },
  {
    title: 'Pass@1 on training rows',
    ...rate,
    metrics: ['eval_train/pass@1', /^eval_train\/(.+)\/pass@1$/],
  },
  { title: 'Form on training rows', ...rate, metrics: [/^eval_train\/(format_rate|language_consistency)$/] },
  { title: 'Loss', metrics: ['loss', 'policy_loss'] },
  { title: 'Token accuracy', ...rate, metrics: ['mean_token_accuracy'] },
  { title: 'Accuracy of the reward model', ...rate, metrics: ['accuracy'] },
  { title: 'Margin', metrics: ['margin'] },
  { title: 'KL to the reference', unit: 'nats', metrics: ['kl'] },
  {
    title: 'Completion length',
    unit: 'tokens',
    metrics: [/^completions\/(mean_length|mean_terminated_length)$/, 'eval/mean_length'],
  },
  { title: 'Form of the rollouts', ...rate, metrics: ['format_rate', 'language_consistency'] },
  { title: 'Entropy', unit: 'nats', metrics: ['entropy'] },
  { title: 'Gradient norm', metrics: ['grad_norm'] },
  {
    title: 'Groups without signal',
    ...rate,
    metrics: ['frac_reward_zero_std', /^groups\/(all_right|all_wrong)_frac$/],
  },
  { title: 'Curriculum', ...rate, metrics: [/^curriculum\/(pass_rate|new_frac|hard_frac|medium_frac|easy_frac)$/] },
  { title: 'Share of the advantage', metrics: [/^rewards\/(.+)\/advantage_frac$/] },
  { title: 'Completions cut off', ...rate, metrics: [/^completions\/(clipped_ratio)$/] },
  {
    title: 'Sampler against trainer',
    unit: '|Δ log p|',
    metrics: [/^sampling\/sampling_logp_difference\/(mean|max)$/],
  },
  {
    title: 'Weights of what was sampled elsewhere',
    minor: true,
    metrics: [/^sampling\/importance_sampling_ratio\/(min|mean|max)$/],
  },
  { title: 'Tokens clipped', ...rate, minor: true, metrics: [/^clip_ratio\/(.+)$/, 'cispo_clip_ratio'] },
  { title: 'Learning rate', minor: true, metrics: ['learning_rate'] },
  { title: 'Reward spread within groups', minor: true, metrics: ['reward_std', /^rewards\/(.+)\/std$/] },
  { title: 'Reward model scores', minor: true, metrics: [/^(min_reward|mean_reward|max_reward)$/] },
  { title: 'Step time', unit: 's', minor: true, metrics: ['step_time'] },
  { title: 'Throughput', unit: 'tokens/s', minor: true, metrics: ['tokens_per_s', 'device/tokens_per_s'] },
  { title: 'Memory of a device', unit: 'GB', minor: true, metrics: ['device/memory_gb'] },
  { title: 'Memory asked of devices', unit: 'times', minor: true, metrics: ['device/allocations'] },
  { title: 'Use of the devices', ...rate, minor: true, metrics: [/^device\/(utilization|mfu)$/] },
];

/** Counters, constants and standard errors, which say nothing as a curve of their own. */
const unplotted = /^(global_step|seed|num_tokens|epoch|guard\/good_step|eval(_train)?\/prompts)$|_stderr$/;

const mostPoints = 400;

/** The charts of a stage's metrics. Metrics that the catalogue does not know get a minor chart each. */
export function chartsOf(series: Series): Chart[] {
  const left = new Map([...series].filter(([name]) => !unplotted.test(name)));
  const known = catalogue.flatMap((entry): Chart[] => {
    const lines = [...left.keys()]
      .flatMap((name) => labelsOf(entry, name))
      .toSorted((a, b) => a.order - b.order)
      .map(({ name, label }) => lineOf(series, name, label));
    for (const name of left.keys()) if (labelsOf(entry, name).length > 0) left.delete(name);
    if (!lines.some(isCurve)) return [];
    const { title, unit = '', range, minor = false } = entry;
    return [{ title, unit, ...(range && { range }), minor, lines }];
  });
  const unknown = [...left.keys()].map((name) => ({
    title: name,
    unit: '',
    minor: true,
    lines: [lineOf(series, name, name)],
  }));
  return [...known, ...unknown];
}

/** The label of a metric that the entry names, and its place among the entry's lines; empty for any other. */
function labelsOf({ metrics }: Entry, name: string): { name: string; label: string; order: number }[] {
  return metrics
    .flatMap((metric, order) => {
      if (metric === name)
        return [{ name, label: name.replace(/^eval\//, 'held-out ').replace(/^(eval_train|guard)\//, ''), order }];
      const match = typeof metric === 'string' ? null : metric.exec(name);
      return match ? [{ name, label: match[1] ?? name, order }] : [];
    })
    .slice(0, 1);
}

/** A single evaluation at the end is in the table of the stages; a chart of it would show a point. */
function isCurve({ sparse, values }: Line): boolean {
  return !sparse || values.length > 1;
}

function lineOf(series: Series, name: string, label: string): Line {
  const { steps, values } = series.get(name) ?? { steps: [], values: [] };
  const sparse = /^(eval|eval_train|guard)\//.test(name);
  const errors = series.get(`${name}_stderr`)?.values;
  if (errors?.length === values.length) return { label, steps, values, errors, sparse };
  return { label, ...thinned(steps, values), sparse };
}

/** Long curves as means over stretches of equally many steps, each at its last step, so that the page stays small. */
function thinned(steps: readonly number[], values: readonly number[]): { steps: number[]; values: number[] } {
  const stretch = Math.ceil(values.length / mostPoints);
  if (stretch <= 1) return { steps: [...steps], values: [...values] };
  const out: { steps: number[]; values: number[] } = { steps: [], values: [] };
  for (let from = 0; from < values.length; from += stretch) {
    const part = values.slice(from, from + stretch);
    out.steps.push(steps[Math.min(from + stretch, steps.length) - 1] ?? 0);
    out.values.push(significant(part.reduce((sum, value) => sum + value, 0) / part.length));
  }
  return out;
}

function significant(value: number): number {
  return Number(value.toPrecision(6));
}
