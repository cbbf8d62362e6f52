import { zip } from '../../algorithms/zip.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import type { StepReport } from '../../engine/optimizer-step.ts';
import type { SftSettings } from '../../contract/settings/settings.ts';
import { encodeExchange, type Encoder } from '../policy/encoding.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { Span } from '../../engine/sequences.ts';
import { assistantTurns, joinTurns, type Turns } from '../policy/turns.ts';

/** Tokens that are read, some of whose predictions are trained. */
export interface Document {
  readonly ids: readonly number[];
  readonly trained: readonly Span[];
  readonly truncated: boolean;
}

/** What of a row is trained: all of its text, or what the assistant says in its last turn, or in all of them. */
export type Trained = 'text' | SftSettings['turns'];

/**
 * Prompt and completion with its stop token, cut at the longest row; more than one document where turns are trained that
 * the chat template shows differently later on.
 *
 * @param longest tokens of a document, at most
 * @throws UserError for a row without completion
 */
export function encodeDocuments(model: Encoder, row: Row, trained: Trained, longest: number): Document[] {
  if (row.completion === undefined) throw new UserError('it has no completion; expected one for training');
  const turns = (trained === 'all' ? assistantTurns(row) : [row]).map((turn) => {
    const { promptIds, completionIds } = encodeExchange(model, turn);
    // Nothing comes before the first token that could predict it.
    return { ids: [...promptIds, ...completionIds], from: trained === 'text' ? 1 : promptIds.length || 1 };
  });
  return joinTurns(turns).map((document) => cutDocument(document, longest));
}

function cutDocument({ ids, trained }: Turns, tokens: number): Document {
  const cut = trained.map(([from, to]): Span => [from, Math.min(to, tokens)]).filter(([from, to]) => from < to);
  return { ids: ids.slice(0, tokens), trained: cut, truncated: ids.length > tokens };
}

/** A batch whose loss is the mean over its trained tokens. */
export function supervisedBatch(documents: readonly Document[]) {
  const trained = trainedTokens(documents);
  return {
    loss: 'sft' as const,
    sequences: documents.map(({ ids, trained: spans }) => {
      const weights = ids.map(() => 0);
      for (const [from, to] of spans) weights.fill(1 / trained, from - 1, to - 1); // a position predicts the next token
      return { ids, weights };
    }),
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

/** Tokens with a loss. */
export function trainedTokens(documents: readonly Document[]): number {
  return documents.flatMap(({ trained }) => trained).reduce((sum, [from, to]) => sum + to - from, 0);
}
