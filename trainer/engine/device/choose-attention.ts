import type { ModelConfig } from '../../models/config.ts';
import type { AttentionOp, Loss } from '../../models/programs.ts';

/** What attention of a training pass is chosen by; all of it stands in a checkpoint. */
export interface AttentionFacts {
  readonly loss: Loss;
  readonly config: Pick<ModelConfig, 'precision' | 'headDim'>;
  /** The library of attention that the kernels have tried and take (native/cuda/sequence-attention.h). */
  readonly library: string | undefined;
}

/** Heads that cuDNN has a deterministic gradient for on every architecture that the kernels are compiled for. */
const heads = { multipleOf: 8, most: 128 } as const;

/**
 * The op that attends in the training passes of a loss. The policy loss compares with what was sampled, whose attention is ours to the bit;
 * other losses compare with nothing of ours. See docs/decisions/0034-attention-by-cudnn.md.
 */
export function chooseAttention({ loss, config: { precision, headDim }, library }: AttentionFacts): AttentionOp {
  const fits = headDim % heads.multipleOf === 0 && headDim <= heads.most;
  const mayDiffer = loss !== 'policy' && precision === 'bf16';
  return library !== undefined && mayDiffer && fits ? 'SequenceAttention' : 'Attention';
}
