import { z } from 'zod';

/**
 * What a stage found in its rows before its first step; `checked-rows.json` in its directory. Read by the report, and by
 * a later attempt, which need not encode all rows again.
 */
export const checkedRowsName = 'checked-rows.json';

export const rowFindings = z.object({
  /** Rows that were looked at. */
  rows: z.int().min(0),
  used: z.int().min(0),
  /** Used rows of which only the beginning is. */
  cut: z.int().min(0),
  dropped: z.array(
    z.object({
      /** A key of `dropReasons`. */
      reason: z.string(),
      rows: z.int().min(1),
      /** The first of them, and what is wrong with it. */
      first: z.string(),
    }),
  ),
});
export type RowFindings = z.infer<typeof rowFindings>;

export const checkedRows = z.object({
  settingsDigest: z.string(),
  parts: z.record(
    z.string(),
    rowFindings.extend({
      /** Places of the rows that are not used. */
      places: z.array(z.int().min(0)),
    }),
  ),
});
export type CheckedRows = z.infer<typeof checkedRows>;

/** Why a row is not used, in words for people. */
export const dropReasons = {
  overlong: 'longer than the limit',
  no_room: 'no room for an answer in the model’s context',
  equal_pair: 'chosen and rejected have the same tokens',
  nothing_to_learn: 'no token to learn',
  contaminated: 'shares ten words in a row with an evaluation question',
} as const;
export type DropReason = keyof typeof dropReasons;
