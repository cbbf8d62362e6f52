import { UserError } from '../contract/errors.ts';
import type { Row } from '../contract/dataset.ts';
import type { SamplingSettings } from '../contract/training.ts';
import type { RandomKey } from '../algorithms/random.ts';
import type { Completion } from '../engine/engine.ts';
import { type EncodedPrompt, encodePrompt } from './encoding.ts';
import type { Policy } from './policy.ts';

/** A completion with the text of the whole response, without the stop token. */
export interface RowCompletion extends Completion {
  readonly promptIds: readonly number[];
  /** What of the response the prompt already had. */
  readonly opening: string;
  readonly text: string;
}

/** The random numbers of one sample of the row at `place`. */
export type SampleKey = (row: Row, sample: number, place: number) => RandomKey;

/**
 * Samples completions of every row's prompt.
 *
 * @returns `[rows][samples]`
 */
export async function completeRows(
  policy: Policy,
  rows: readonly Row[],
  samples: number,
  sampling: SamplingSettings,
  key: SampleKey,
): Promise<RowCompletion[][]> {
  const { tokenizer } = policy;
  const prompts = rows.map((row) => encodePrompt(policy, row.messages));
  const requests = rows.flatMap((row, place) => {
    const { ids: promptIds } = prompts[place] as EncodedPrompt;
    const limited = withinContext(sampling, promptIds.length, policy, row);
    return Array.from({ length: samples }, (_, sample) => ({
      promptIds,
      key: key(row, sample, place),
      sampling: limited,
      stopIds: [...tokenizer.stopIds],
    }));
  });
  const completions = await policy.generate(requests);
  const withText = completions.map((completion, index) => {
    const { ids: promptIds, opening } = prompts[Math.floor(index / samples)] as EncodedPrompt;
    return { ...completion, promptIds, opening, text: opening + tokenizer.decode(completion.tokenIds) };
  });
  return rows.map((_, index) => withText.slice(index * samples, (index + 1) * samples));
}

function withinContext(sampling: SamplingSettings, promptLength: number, policy: Policy, row: Row): SamplingSettings {
  const room = policy.config.maxLength - promptLength;
  if (room < 1) {
    throw new UserError(
      `row ${row.id}: its prompt has ${promptLength} tokens; the model's context holds ${policy.config.maxLength}`,
    );
  }
  return { ...sampling, maxNewTokens: Math.min(sampling.maxNewTokens, room) };
}
