import { integer, randomKey } from '../trainer/algorithms/random.ts';

/** What all workloads share. Both sides read the same file: the same weights, inputs and settings. */
export interface Shared {
  /** Hugging Face directory with the weights. */
  readonly model: string;
  /** Threads of either side; workers of one thread each on ours. */
  readonly threads: number;
  readonly seed: number;
  /** Tokens that the model knows. */
  readonly vocabulary: number;
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
  readonly stopId: number;
  readonly clip: number;
}

export const hyper: Hyper = {
  learningRate: 1e-4,
  betas: [0.9, 0.999],
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
};

/** `config.json` of the model that is measured, 5.8 M parameters with the vocabulary of 4096 that it has unless told otherwise. */
export const modelConfig = {
  vocab_size: 4096,
  hidden_size: 256,
  intermediate_size: 768,
  num_hidden_layers: 6,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 64,
  max_position_embeddings: 512,
  initializer_range: 0.08,
  tie_word_embeddings: true,
  pad_token_id: null, // a pad token of the model would have no gradient in transformers
  eos_token_id: 1,
  bos_token_id: null,
} as const;

/** Ids that are neither padding nor the stop token, `[rows][length]`. */
export function randomIds(
  { seed, vocabulary }: Pick<Shared, 'seed' | 'vocabulary'>,
  name: string,
  rows: number,
  length: number,
): number[][] {
  const first = modelConfig.eos_token_id + 1;
  return Array.from({ length: rows }, (_, row) => {
    const key = randomKey(seed, name, row);
    return Array.from({ length }, (_token, at) => first + integer(key, at, vocabulary - first));
  });
}
