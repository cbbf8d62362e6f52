import { expect, test } from '@jest/globals';
import { type AttentionFacts, chooseAttention } from '../../../trainer/engine/device/choose-attention.ts';

const takes: AttentionFacts = { loss: 'sft', config: { precision: 'bf16', headDim: 64 }, library: 'cudnn92801' };

test.each<{ name: string; changes: Partial<AttentionFacts>; op: string }>([
  { name: 'supervised training in bf16 takes the library', changes: {}, op: 'SequenceAttention' },
  { name: 'so do pairs', changes: { loss: 'pairwise' }, op: 'SequenceAttention' },
  { name: 'and labelled sequences', changes: { loss: 'pointwise' }, op: 'SequenceAttention' },
  { name: 'what was sampled is trained by our kernels', changes: { loss: 'policy' }, op: 'Attention' },
  { name: 'so is f32', changes: { config: { precision: 'f32', headDim: 64 } }, op: 'Attention' },
  { name: 'f32 is what is not said', changes: { config: { headDim: 64 } }, op: 'Attention' },
  { name: 'there may be no library', changes: { library: undefined }, op: 'Attention' },
  { name: 'heads of 128 fit', changes: { config: { precision: 'bf16', headDim: 128 } }, op: 'SequenceAttention' },
  { name: 'larger heads do not', changes: { config: { precision: 'bf16', headDim: 136 } }, op: 'Attention' },
  { name: 'nor do heads of 20', changes: { config: { precision: 'bf16', headDim: 20 } }, op: 'Attention' },
])('$name', ({ changes, op }) => {
  expect(chooseAttention({ ...takes, ...changes })).toBe(op);
});
