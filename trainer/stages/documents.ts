import { zip } from '../algorithms/zip.ts';
import { UserError } from '../contract/errors.ts';
import type { Row } from '../contract/dataset.ts';
import type { StepReport } from '../engine/optimizer-step.ts';
import { encodeExchange } from './encoding.ts';
import type { Policy } from './policy.ts';
import type { Metrics } from './metrics.ts';

/** A tokenised row: what is read and which of its predictions are trained. */
export interface Document {
  readonly ids: number[];
  /** Position of the first trained token. */
  readonly firstTrained: number;
  readonly truncated: boolean;
}

/** Prompt and completion with its stop token, cut at the model's context. Throws `UserError` for a row without completion. */
export function encodeDocument(policy: Policy, row: Row, trainPrompt: boolean): Document {
  if (row.completion === undefined) throw new UserError(`row ${row.id}: has no completion; expected one for training`);
  const { promptIds, completionIds } = encodeExchange(policy, row.messages, row.completion);
  const ids = [...promptIds, ...completionIds];
  const { maxLength } = policy.config;
  return {
    ids: ids.slice(0, maxLength),
    firstTrained: trainPrompt ? 1 : promptIds.length,
    truncated: ids.length > maxLength,
  };
}

/** A batch whose loss is the mean over its trained tokens. */
export function supervisedBatch(documents: readonly Document[]) {
  const trained = trainedTokens(documents);
  return {
    loss: 'sft' as const,
    sequences: documents.map(({ ids, firstTrained }) => ({
      ids,
      weights: ids.map((_, at) => (at + 1 < ids.length && at + 1 >= firstTrained ? 1 / trained : 0)),
    })),
  };
}

export function supervisedMetrics(
  documents: readonly Document[],
  { probs, top, positions }: StepReport<'sft'>,
): Metrics {
  const flat = probs.flatMap((row) => [...row]);
  const best = top.flatMap((row) => [...row]);
  const total = documents.reduce((sum, { ids }) => sum + ids.length, 0);
  return {
    mean_token_accuracy: zip(flat, best).filter(([prob, most]) => prob >= most).length / Math.max(1, flat.length),
    num_tokens: total,
    trained_token_frac: trainedTokens(documents) / total,
    packing_efficiency: (total - documents.length) / positions,
    truncated_frac: documents.filter(({ truncated }) => truncated).length / documents.length,
  };
}

function trainedTokens(documents: readonly Document[]): number {
  return documents.reduce((sum, { ids, firstTrained }) => sum + Math.max(0, ids.length - firstTrained), 0);
}
