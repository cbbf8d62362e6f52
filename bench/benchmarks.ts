import {
  type GenerateWorkload,
  type GrpoStepWorkload,
  modelConfig,
  randomIds,
  type Shared,
  type TrainStepWorkload,
} from './workload.ts';

/** What the project asks of itself, beside the figures: ours divided by the peer's. */
export interface Target {
  readonly metric: 'cpuSeconds' | 'rate' | 'peakBytes';
  readonly ratio: number;
}

export interface Benchmark {
  /** Also the name of both sides' programs: `ours/<name>.ts`, `peers/<name>.py` with underscores. */
  readonly name: string;
  readonly peer: string;
  readonly sizes: string;
  /** Name and number of what one repetition produces: steps, or sampled tokens. */
  readonly unit: { readonly name: 'step' | 'token'; readonly perRepetition: number };
  /** Repetitions in one round. */
  readonly repetitions: number;
  readonly targets: readonly Target[];
  workload(shared: Shared): TrainStepWorkload | GenerateWorkload | GrpoStepWorkload;
}

const trainStep: Benchmark = {
  name: 'train-step',
  peer: 'PyTorch eager, fused AdamW',
  sizes: '8 rows × 256 tokens: loss, gradients, clipping, AdamW',
  unit: { name: 'step', perRepetition: 1 },
  repetitions: 3,
  targets: [{ metric: 'cpuSeconds', ratio: 1 }],
  workload: (shared) => ({
    ...shared,
    ids: randomIds(shared, 'train-step', 8, 256),
  }),
};

const generate: Benchmark = {
  name: 'generate',
  peer: 'transformers generate',
  sizes: '32 prompts × 64 tokens, 128 new tokens each, temperature 1',
  unit: { name: 'token', perRepetition: 32 * 128 },
  repetitions: 1,
  targets: [{ metric: 'rate', ratio: 1.6 }],
  workload: (shared) => ({
    ...shared,
    promptIds: randomIds(shared, 'generate', 32, 64),
    newTokens: 128,
  }),
};

const grpoStep: Benchmark = {
  name: 'grpo-step',
  peer: 'TRL GRPOTrainer',
  sizes: '8 prompts × 32 tokens, 8 completions each of at most 64 tokens: sampling, rewards, one update',
  unit: { name: 'step', perRepetition: 1 },
  repetitions: 1,
  targets: [
    { metric: 'rate', ratio: 1.7 },
    { metric: 'peakBytes', ratio: 0.5 },
  ],
  workload: (shared) => ({
    ...shared,
    promptIds: randomIds(shared, 'grpo-step', 8, 32),
    group: 8,
    newTokens: 64,
    stopId: modelConfig.eos_token_id,
    clip: 0.2,
  }),
};

export const benchmarks: readonly Benchmark[] = [trainStep, generate, grpoStep];
