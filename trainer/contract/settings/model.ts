import { z } from 'zod';
import { exactlyOne, object, objectName, path, positiveInt, withRules } from './schema.ts';

/** A fresh model with random weights. Sizes as in a Hugging Face `config.json`. */
export const modelInit = withRules(
  object({
    architecture: z
      .enum(['llama', 'qwen2', 'qwen3'])
      .default('qwen3')
      .describe('Decoder family: qwen2 adds q/k/v bias, qwen3 adds QK-norm.'),
    hiddenSize: positiveInt.default(128).describe('Width of the residual stream.'),
    intermediateSize: positiveInt
      .optional()
      .describe('Width of the SwiGLU feed-forward layer; three times hiddenSize when absent.'),
    layers: positiveInt.default(4).describe('Number of decoder layers.'),
    heads: positiveInt.default(4).describe('Query heads.'),
    kvHeads: positiveInt.default(2).describe('Key/value heads; query heads are shared between them.'),
    maxLength: positiveInt.default(256).describe('Longest sequence, in tokens (max_position_embeddings).'),
    tokenizer: z
      .enum(['bytes'])
      .default('bytes')
      .describe('Tokenizer written with the model: UTF-8 bytes plus the control and tag tokens.'),
  }),
  [
    {
      rule: 'self.hiddenSize % self.heads == 0 && (self.hiddenSize / self.heads) % 2 == 0',
      message: 'hiddenSize must be an even multiple of heads',
    },
    { rule: 'self.heads % self.kvHeads == 0', message: 'heads must be a multiple of kvHeads' },
  ],
);
export type ModelInit = z.infer<typeof modelInit>;

/** The places that a model which no stage made can come from. */
export const modelSourceShape = {
  init: modelInit.optional().describe('A fresh model with random weights.'),
  path: path
    .optional()
    .describe('A Hugging Face directory, relative to the manifest; on a cluster it lies on one of spec.volumes.'),
  hf: object({
    repo: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)?$/)
      .describe('Repository on the Hugging Face Hub, owner/name.'),
    revision: z.string().min(1).max(200).default('main').describe('Branch, tag or commit.'),
    tokenSecret: objectName
      .optional()
      .describe('On a cluster: the Secret whose key "token" holds the access token of a private or gated repository.'),
  })
    .optional()
    .describe('A model on the Hugging Face Hub.'),
  pvc: object({
    claim: objectName.describe('Name of an existing PersistentVolumeClaim.'),
    path: z.string().max(1024).default('').describe('Directory on it.'),
  })
    .optional()
    .describe('A Hugging Face directory on an existing claim.'),
};

/** Where the base model comes from. */
export const baseModel = exactlyOne(modelSourceShape, 'source');
export type BaseModel = z.infer<typeof baseModel>;
