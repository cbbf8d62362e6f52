import { UserError } from '../trainer/contract/process/errors.ts';
import { type ModelSizes, randomIds, type Shared, type TrainStepWorkload, type Workload } from './workload.ts';

/** What the project asks of itself, beside the figures: ours divided by the peer's. */
export interface Target {
  readonly metric: 'cpuSeconds' | 'rate' | 'peakBytes';
  readonly ratio: number;
}

export interface Peer {
  readonly name: string;
  readonly title: string;
  /** `peers/<program>.py` */
  readonly program: string;
  /** What its products are computed in. In bf16 its results are near ours, not equal. */
  readonly precision: 'f32' | 'bf16';
  /** What it is told beside the workload. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** For the benchmark's own sizes. */
  readonly targets: readonly Target[];
}

/** Flags change each of them. */
export interface Sizes {
  /** Rows of a batch, or prompts. */
  readonly rows: number;
  /** Tokens of a row or prompt. */
  readonly prompt: number;
  /** Longest completion, in tokens. */
  readonly newTokens: number;
  /** Completions per prompt. */
  readonly group: number;
}

export interface Benchmark {
  readonly name: string;
  /** Our side: `ours/<program>.ts` */
  readonly program: string;
  /** The first is the one that is compared with unless another is asked for. */
  readonly peers: readonly [Peer, ...Peer[]];
  readonly sizes: Sizes;
  /** Where its model differs from the one of all benchmarks; it takes no other model then. */
  readonly model?: Partial<ModelSizes>;
  describe(sizes: Sizes): string;
  /** Name of what one repetition produces, and how many of it. */
  readonly unit: 'step' | 'token';
  perRepetition(sizes: Sizes): number;
  /** Repetitions in one round. */
  readonly repetitions: number;
  workload(shared: Shared, sizes: Sizes): Workload;
}

const eager: Omit<Peer, 'targets'> = {
  name: 'eager',
  title: 'PyTorch eager, fused AdamW',
  program: 'train_step',
  precision: 'f32',
};

const trainStep: Benchmark = {
  name: 'train-step',
  program: 'train-step',
  peers: [
    { ...eager, targets: [{ metric: 'cpuSeconds', ratio: 0.75 }] },
    {
      ...eager,
      name: 'compile',
      title: 'PyTorch torch.compile, fused AdamW',
      settings: { compile: true },
      targets: [{ metric: 'cpuSeconds', ratio: 0.95 }],
    },
    {
      ...eager,
      name: 'eager-bf16',
      title: 'PyTorch eager, bf16 autocast, fused AdamW',
      precision: 'bf16',
      targets: [],
    },
  ],
  sizes: { rows: 8, prompt: 256, newTokens: 0, group: 1 },
  describe: ({ rows, prompt }) => `${rows} rows × ${prompt} tokens: loss, gradients, clipping, AdamW`,
  unit: 'step',
  perRepetition: () => 1,
  repetitions: 3,
  workload: trainStepWorkload('step'),
};

function trainStepWorkload(part: TrainStepWorkload['part']): Benchmark['workload'] {
  return (shared, { rows, prompt }) => ({ ...shared, part, ids: randomIds(shared, 'train-step', rows, prompt) });
}

const adamW: Benchmark = {
  ...trainStep,
  name: 'adamw',
  program: 'train-part',
  peers: [{ ...eager, title: 'PyTorch fused AdamW', targets: [{ metric: 'cpuSeconds', ratio: 1 }] }],
  model: {
    vocab_size: 128_000,
    hidden_size: 512,
    intermediate_size: 768,
    num_hidden_layers: 1,
    initializer_range: 0.02,
  },
  sizes: { rows: 2, prompt: 8, newTokens: 0, group: 1 },
  describe: () => 'AdamW on 64 Mi parameters',
  repetitions: 5,
  workload: trainStepWorkload('update'),
};

const logProb: Benchmark = {
  ...trainStep,
  name: 'log-prob',
  program: 'train-part',
  peers: [{ ...eager, title: 'PyTorch eager, all logits', targets: [{ metric: 'cpuSeconds', ratio: 1.1 }] }],
  model: {
    vocab_size: 151_936,
    hidden_size: 896,
    intermediate_size: 896,
    num_hidden_layers: 1,
    num_attention_heads: 14,
    initializer_range: 0.02,
  },
  sizes: { rows: 1, prompt: 1025, newTokens: 0, group: 1 },
  describe: ({ rows, prompt }) =>
    `${rows * (prompt - 1)} tokens, vocabulary 151,936, width 896, one layer: log-probabilities and gradients`,
  repetitions: 1,
  workload: trainStepWorkload('gradient'),
};

const transformers: Peer = {
  name: 'transformers',
  title: 'transformers generate',
  program: 'generate',
  precision: 'f32',
  targets: [{ metric: 'rate', ratio: 3 }],
};

const llama: Peer = {
  name: 'llama.cpp',
  title: 'llama.cpp, f32',
  program: 'llama_generate',
  precision: 'f32',
  targets: [],
};

const generate: Benchmark = {
  name: 'generate',
  program: 'generate',
  peers: [
    transformers,
    {
      ...transformers,
      name: 'transformers-bf16',
      title: 'transformers generate, bf16',
      precision: 'bf16',
      targets: [],
    },
    llama,
    { ...llama, name: 'llama.cpp-bf16', title: 'llama.cpp, bf16', precision: 'bf16' },
  ],
  sizes: { rows: 32, prompt: 64, newTokens: 128, group: 1 },
  describe: ({ rows, prompt, newTokens }) =>
    `${rows} prompts × ${prompt} tokens, ${newTokens} new tokens each, temperature 1`,
  unit: 'token',
  perRepetition: ({ rows, newTokens }) => rows * newTokens,
  repetitions: 1,
  workload: (shared, { rows, prompt, newTokens }) => ({
    ...shared,
    promptIds: randomIds(shared, 'generate', rows, prompt),
    newTokens,
  }),
};

const trl: Peer = {
  name: 'trl',
  title: 'TRL GRPOTrainer',
  program: 'grpo_step',
  precision: 'f32',
  targets: [
    { metric: 'rate', ratio: 2.4 },
    { metric: 'peakBytes', ratio: 0.5 },
  ],
};

const grpoStep: Benchmark = {
  name: 'grpo-step',
  program: 'grpo-step',
  peers: [trl, { ...trl, name: 'trl-bf16', title: 'TRL GRPOTrainer, bf16', precision: 'bf16', targets: [] }],
  sizes: { rows: 8, prompt: 32, newTokens: 64, group: 8 },
  describe: ({ rows, prompt, newTokens, group }) =>
    `${rows} prompts × ${prompt} tokens, ${group} completions each of at most ${newTokens} tokens: sampling, rewards, one update`,
  unit: 'step',
  perRepetition: () => 1,
  repetitions: 1,
  workload: (shared, { rows, prompt, newTokens, group }) => ({
    ...shared,
    promptIds: randomIds(shared, 'grpo-step', rows, prompt),
    group,
    newTokens,
    clip: 0.2,
  }),
};

const policyGradient: Benchmark = {
  name: 'policy-gradient',
  program: 'policy-gradient',
  peers: [{ ...eager, title: 'PyTorch eager', program: 'policy_gradient', targets: [] }],
  sizes: { rows: 1, prompt: 512, newTokens: 64, group: 8 },
  describe: ({ rows, prompt, newTokens, group }) =>
    `${rows} prompts × ${prompt} tokens, ${group} completions each of ${newTokens} tokens: gradient of the policy loss`,
  unit: 'step',
  perRepetition: () => 1,
  repetitions: 1,
  workload: (shared, { rows, prompt, newTokens, group }) => ({
    ...shared,
    groups: randomIds(shared, 'policy-gradient', rows, prompt).map((promptIds, at) => ({
      promptIds,
      completions: randomIds(shared, `completions of ${at}`, group, newTokens),
    })),
    advantages: Array.from({ length: rows * group }, (_, at) => (at % group) - (group - 1) / 2),
    weight: 1 / (rows * group * newTokens),
  }),
};

export const benchmarks: readonly Benchmark[] = [trainStep, generate, grpoStep, policyGradient, adamW, logProb];

export function findBenchmark(name: string): Benchmark {
  const found = benchmarks.find((benchmark) => benchmark.name === name);
  if (found) return found;
  throw new UserError(`unknown benchmark "${name}"; known: ${benchmarks.map((known) => known.name).join(', ')}`);
}

/** @param name the first one when absent, each one for `all` */
export function findPeers({ name: benchmark, peers }: Benchmark, name: string | undefined): readonly Peer[] {
  if (name === undefined) return [peers[0]];
  if (name === 'all') return peers;
  const found = peers.filter((peer) => peer.name === name);
  if (found.length > 0) return found;
  throw new UserError(`${benchmark}: unknown peer "${name}"; known: ${peers.map((peer) => peer.name).join(', ')}, all`);
}
