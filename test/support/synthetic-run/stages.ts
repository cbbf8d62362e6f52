import { evaluation, grpoLines, type Metrics, rewardModelLines, sftLines } from './curves.ts';

/** One stage of a synthetic run: what its manifest entry says and what it left behind. */
export interface SyntheticStage {
  readonly name: string;
  readonly type: string;
  readonly settings: Record<string, unknown>;
  readonly model?: string;
  readonly init?: Record<string, unknown>;
  readonly inputs?: readonly string[];
  readonly seconds: number;
  readonly lines?: readonly Metrics[];
  readonly result?: Metrics;
  readonly data?: Record<string, unknown>;
  readonly gate?: Record<string, unknown>;
}

const sums = { prompts: ['sums'] };
const grpo = { ...sums, learningRate: 3e-4, group: 8, rewards: [{ accuracy: {} }, { format: {} }] };

export const funnel = {
  prompts: 500,
  sampled: 4000,
  dropped: {
    abstained: 0,
    correct: 880,
    readable: 246,
    oneLanguage: 363,
    notOverlong: 13,
    duplicate: 310,
    outranked: 1688,
    overQuota: 20,
  },
  kept: 480,
  keptByDomain: { reasoning: 480, general: 0 },
};

/** The five steps of R1 with figures as of a good run. */
export const stages: readonly SyntheticStage[] = [
  {
    name: 'pretrained',
    type: 'pretrain',
    settings: { data: ['mixture'], steps: 800, learningRate: 2e-3 },
    init: { hiddenSize: 128 },
    seconds: 96,
    lines: sftLines(800, 4.6, 0.9, 1),
    result: evaluation(0.37, 0.62, 0.84),
  },
  {
    name: 'r1-zero',
    type: 'grpo',
    settings: { ...grpo, steps: 200 },
    model: 'pretrained',
    seconds: 121,
    lines: grpoLines(200, 0.37, 0.78, 2),
    result: evaluation(0.765, 0.985, 0.83),
    gate: { metric: 'eval/pass@1', atLeast: 0.5, onFailure: 'Stop' },
  },
  {
    name: 'cold-start-data',
    type: 'sample',
    settings: { ...sums, perPrompt: 8 },
    model: 'r1-zero',
    seconds: 24,
    data: funnel,
  },
  {
    name: 'review',
    type: 'review',
    settings: { data: 'cold-start-data', required: false },
    inputs: ['cold-start-data'],
    seconds: 0.4,
    data: { reviewed: 0, not_reviewed: 480, rejected: 0, rows: 480, complete: false, reviewers: [] },
  },
  {
    name: 'cold-start',
    type: 'sft',
    settings: { data: ['review'], epochs: 2, learningRate: 5e-5 },
    model: 'pretrained',
    inputs: ['review'],
    seconds: 19,
    lines: sftLines(60, 0.8, 0.35, 3),
    result: evaluation(0.61, 0.97, 0.995),
  },
  {
    name: 'reasoning-rl',
    type: 'grpo',
    settings: { ...grpo, steps: 150, rewards: [{ accuracy: {} }, { format: {} }, { languageConsistency: {} }] },
    model: 'cold-start',
    seconds: 92,
    lines: grpoLines(150, 0.6, 0.88, 4),
    result: evaluation(0.87, 0.99, 0.991),
  },
  {
    name: 'rejection-sampling',
    type: 'sample',
    settings: { prompts: ['sums', 'greetings'], perPrompt: 8 },
    model: 'reasoning-rl',
    seconds: 31,
    data: funnel,
  },
  {
    name: 'sft',
    type: 'sft',
    settings: { data: ['rejection-sampling'], epochs: 2, learningRate: 5e-5 },
    model: 'pretrained',
    inputs: ['rejection-sampling'],
    seconds: 25,
    lines: sftLines(80, 0.8, 0.3, 5),
    result: evaluation(0.85, 0.985, 0.99),
  },
  {
    name: 'preference',
    type: 'rewardModel',
    settings: { pairs: ['preferences'], learningRate: 1e-3 },
    model: 'sft',
    seconds: 14,
    lines: rewardModelLines(50, 6),
    result: { accuracy: 0.985, margin: 2.9 },
  },
  {
    name: 'r1',
    type: 'grpo',
    settings: {
      ...grpo,
      prompts: ['sums', 'greetings'],
      steps: 100,
      rewards: [{ accuracy: { domains: ['reasoning'] } }, { rewardModel: { from: 'preference', lastSteps: 40 } }],
    },
    model: 'sft',
    inputs: ['preference'],
    seconds: 71,
    lines: grpoLines(100, 0.84, 0.9, 7),
    result: evaluation(0.895, 0.99, 0.992),
    gate: { metric: 'eval/pass@1', notBelow: { stage: 'sft', by: 0.02 }, onFailure: 'Rollback' },
  },
  {
    name: 'distilled',
    type: 'sft',
    settings: { data: ['rejection-sampling'], epochs: 4, learningRate: 1e-3 },
    init: { hiddenSize: 64 },
    inputs: ['rejection-sampling'],
    seconds: 18,
    lines: sftLines(160, 4.6, 0.6, 8),
    result: evaluation(0.58, 0.95, 0.98),
  },
];

/** When the run began, in milliseconds. */
export const start = Date.UTC(2026, 2, 1, 9, 30);

export function messageOf({ type, lines }: SyntheticStage): string {
  if (type === 'sample') return `${funnel.kept} of ${funnel.sampled} completions kept`;
  return type === 'review' ? `${funnel.kept} rows not reviewed` : `${lines?.length ?? 0} steps`;
}
