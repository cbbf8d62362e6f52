import { join } from 'node:path';
import { rowsName } from '../../contract/files/checkpoint.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { StageFile } from '../../contract/settings/stage-file.ts';
import { readRows } from '../../data/rows.ts';
import { ReviewSession } from '../../review/review-session.ts';
import type { Verify } from '../../rewards/modules/own-verifiers.ts';
import type { StageInputs } from '../workspace/stage-inputs.ts';

/** The rows of a review stage, and what people have decided on them so far. @throws UserError for a stage of another type */
export async function openReview(file: StageFile, inputs: StageInputs, verify: Verify): Promise<ReviewSession> {
  const { pipeline, stage, out, seed, settings } = file;
  if (!settings.review)
    throw new UserError(`stage ${stage} of ${pipeline} is no review; people decide in reviews alone`);
  const { data, secondReader } = settings.review;
  const input = file.inputs[data];
  if (!input) throw new UserError(`review.data: no input is named "${data}"`);
  const rows = await readRows(join(await inputs.verified(input), rowsName));
  return new ReviewSession({ pipeline, stage, rows, out, secondReader, seed, verify });
}
