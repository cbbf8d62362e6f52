import { integer, randomKey } from '../trainer/algorithms/random.ts';

/** What all workloads share. Both sides read the same file: the same weights, inputs and settings. */
export interface Shared {
  /** Hugging Face directory with the weights. */
  readonly model: string;
  /** Directory of a tokenizer that writes the id 7 as `t7`, for peers that want texts. */
  readonly tokenizer: string;
  /** Threads of either side; workers of one thread each on ours. */
  readonly threads: number;
  /** Of our side's products. */
  readonly ownPrecision: 'f32' | 'bf16';
  readonly seed: number;
  /** Tokens that the model knows. */
  readonly vocabulary: number;
  readonly stopId: number;
  readonly hyper: Hyper;
  /** Of policy training only. */
  readonly klCoefficient: number;
  /** Steps whose numbers are compared before anything is timed. */
  readonly checkSteps: number;
}

export interface Hyper {
  readonly learningRate: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number;
}

export interface TrainStepWorkload extends Shared {
  /** What is timed: all of it, forward and backward alone, or AdamW alone. */
  readonly part: 'step' | 'gradient' | 'update';
  /** `[rows][tokens]`; every token but the first of a row is a target. */
  readonly ids: number[][];
}

export interface GenerateWorkload extends Shared {
  readonly promptIds: number[][];
  readonly newTokens: number;
}

export interface GrpoStepWorkload extends Shared {
  readonly promptIds: number[][];
  /** Completions per prompt. */
  readonly group: number;
  /** Longest completion, in tokens. */
  readonly newTokens: number;
  readonly clip: number;
}

export interface PolicyGradientWorkload extends Shared {
  readonly groups: readonly { readonly promptIds: number[]; readonly completions: number[][] }[];
  /** Of each completion, group after group. */
  readonly advantages: readonly number[];
  /** Of each token in the loss. */
  readonly weight: number;
}

export type Workload = TrainStepWorkload | GenerateWorkload | GrpoStepWorkload | PolicyGradientWorkload;

export const hyper: Hyper = {
  learningRate: 1e-4,
  betas: [0.9, 0.999],
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
};

/** `config.json` of a model with random weights. */
export type ModelSizes = { readonly [field in keyof typeof modelConfig]: number | boolean | null };

/** The model that is measured unless a benchmark or `--model` says otherwise: 5.8 M parameters. */
export const modelConfig = {
  vocab_size: 4096,
  hidden_size: 256,
  intermediate_size: 768,
  num_hidden_layers: 6,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 64,
  max_position_embeddings: 2048,
  initializer_range: 0.08,
  tie_word_embeddings: true,
  pad_token_id: null, // a pad token of the model would have no gradient in transformers
  eos_token_id: 1,
  bos_token_id: null,
} as const;

/** Ids above those of control tokens, `[rows][length]`. */
export function randomIds(
  { seed, vocabulary, stopId }: Pick<Shared, 'seed' | 'vocabulary' | 'stopId'>,
  name: string,
  rows: number,
  length: number,
): number[][] {
  const first = stopId + 1;
  return Array.from({ length: rows }, (_, row) => {
    const key = randomKey(seed, name, row);
    return Array.from({ length }, (_token, at) => first + integer(key, at, vocabulary - first));
  });
}
