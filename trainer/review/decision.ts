import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Row } from '../contract/settings/dataset.ts';

export const choices = ['accept', 'edit', 'reject'] as const;
export type Choice = (typeof choices)[number];

export const reviewerName = z.string().trim().min(1).max(100);

/** What a person decided on a row: a line of `decisions.jsonl`. */
export const decision = z.strictObject({
  id: z.string().min(1),
  decision: z.enum(choices),
  reviewer: reviewerName,
  /** The new text of an edit. */
  completion: z.string().optional(),
  comment: z.string().max(10_000).optional(),
  time: z.iso.datetime().optional(),
  /** `textDigest` of the completion that was decided on: of a row that has become another one, the decision says nothing. */
  of: z.string().optional(),
});
export type Decision = z.infer<typeof decision>;

/** The beginning of the SHA-256 of a row's completion. */
export function textDigest({ completion = '' }: Pick<Row, 'completion'>): string {
  return createHash('sha256').update(completion).digest('hex').slice(0, 16);
}

/** Two decisions that come to the same row. */
export function agree(a: Decision, b: Decision): boolean {
  return a.decision === b.decision && (a.decision !== 'edit' || a.completion === b.completion);
}
