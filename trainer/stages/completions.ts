import { UserError } from '../contract/errors.ts';
import type { Row } from '../contract/dataset.ts';
import type { SamplingSettings } from '../contract/training.ts';
import type { RandomKey } from '../algorithms/random.ts';
import { zip } from '../algorithms/zip.ts';
import { cutAtStop } from './cut-at-stop.ts';
import { encodePrompt } from './encoding.ts';
import type { Policy } from './policy.ts';

/**
 * A completion as it was sampled. It is one record from its prompt to its gradient: scoring, advantages and weights add
 * fields to it, and nothing is joined to it by place.
 */
export interface SampledCompletion {
  readonly row: Row;
  /** Names this sample; its random numbers follow from it. */
  readonly key: RandomKey;
  /** The same array for all completions of a prompt. */
  readonly promptIds: readonly number[];
  /** With the stop token where it ended by itself. */
  readonly completionIds: readonly number[];
  /** Probability of each token under the policy that sampled it, at the sampling temperature. */
  readonly oldProbs: Float32Array;
  /** What of the response the prompt already had. */
  readonly opening: string;
  /** The whole response, without the stop token. */
  readonly text: string;
  /** Length in tokens, with the stop token. */
  readonly tokens: number;
  /** It ended by itself, and not at the longest length. */
  readonly terminated: boolean;
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
): Promise<SampledCompletion[][]> {
  const { tokenizer } = policy;
  const { ids, texts, pieces } = tokenizer.stop;
  const stopIds = [...tokenizer.stopIds, ...ids];
  const stopTexts = pieces && { texts, pieces };
  const asked = rows.flatMap((row, place) => {
    const { ids: promptIds, opening } = encodePrompt(policy, row);
    const limited = withinContext(sampling, promptIds.length, policy, row);
    return Array.from({ length: samples }, (_, sample) => ({
      row,
      opening,
      request: { promptIds, key: key(row, sample, place), sampling: limited, stopIds, stopTexts },
    }));
  });
  const completions = await policy.generate(asked.map(({ request }) => request));
  const sampled = zip(asked, completions).map(([{ row, opening, request }, completion]): SampledCompletion => {
    const { tokenIds, probs, finish, text } = cutAtStop(completion, tokenizer);
    return {
      row,
      key: request.key,
      promptIds: request.promptIds,
      completionIds: tokenIds,
      oldProbs: probs,
      opening,
      text: opening + text,
      tokens: tokenIds.length,
      terminated: finish === 'stop',
    };
  });
  return inGroups(sampled, samples);
}

/** Cuts a list of equally many items a group into its groups. */
export function inGroups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: items.length / size }, (_, group) => items.slice(group * size, (group + 1) * size));
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
