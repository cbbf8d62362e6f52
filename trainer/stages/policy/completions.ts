import type { RandomKey } from '../../algorithms/random.ts';
import { zip } from '../../algorithms/zip.ts';
import type { Message, Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import { mostTold, type Refine, type ToolUse } from '../../contract/settings/tool-use.ts';
import type { SamplingSettings } from '../../contract/settings/training.ts';
import type { Span } from '../../engine/sequences.ts';
import type { Verify } from '../../rewards/modules/own-verifiers.ts';
import type { Tokenizer } from '../../tokenizers/tokenizer.ts';
import { cutAtStop } from './cut-at-stop.ts';
import { beginDraft, cutOff, type Draft, type Limits, sampledCount, turnRequest, withTold, withTurn } from './draft.ts';
import { encodePrompt } from './encoding.ts';
import type { Policy } from './policy.ts';
import type { Accept } from '../../rollout/remote/roster.ts';
import { answerCalls, firstOf, refineWrong, type Reply, withTools } from './replies.ts';
import { toldTokens } from './told-tokens.ts';

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
  /** What follows the prompt, with the stop token where it ended by itself; of several turns with what it was told between them. */
  readonly completionIds: readonly number[];
  /** Places in `completionIds` of what the model wrote; absent where that is all. */
  readonly sampled?: readonly Span[];
  /** The conversation after the prompt, where it has several turns. */
  readonly messages?: readonly Message[];
  /** Probability of each sampled token under the policy that sampled it, at the sampling temperature. */
  readonly oldProbs: Float32Array;
  /** What of the text was there already. */
  readonly opening: string;
  /** The whole response, without the stop token: of several turns the last one, which is what answers. */
  readonly text: string;
  /** Sampled tokens, with stop tokens. */
  readonly tokens: number;
  /** It ended by itself, and not at the longest length. */
  readonly terminated: boolean;
  /** Calls of tools that were answered, and those of them that failed. */
  readonly calls: number;
  readonly failedCalls: number;
  /** Tries that were found wrong before the last one. */
  readonly tries: number;
}

/** The random numbers of one sample of the row at `place`. */
export type SampleKey = (row: Row, sample: number, place: number) => RandomKey;

/** How rows are completed. */
export interface Completing extends Partial<ToolUse> {
  readonly sampling: SamplingSettings;
  /** Wrong answers are tried again. */
  readonly refine?: Refine | undefined;
  /** Says what is wrong; needed to refine. */
  readonly verify?: Verify | undefined;
  /** Which rollout workers may help; those that give the learner's bits when absent. */
  readonly accept?: Accept | undefined;
}

/**
 * Samples completions of every row's prompt. A completion has one turn, unless it calls a tool or is told to try again: then it goes on
 * behind what it was told, all that go on in one batch.
 *
 * @returns `[rows][samples]`
 */
export async function completeRows(
  policy: Policy,
  rows: readonly Row[],
  samples: number,
  completing: Completing,
  key: SampleKey,
): Promise<SampledCompletion[][]> {
  const { tokenizer, config } = policy;
  const { accept } = completing;
  const limits = { sampling: completing.sampling, told: mostTold(completing), context: config.maxLength };
  const reply = replyOf(completing, tokenizer);
  const drafts = rows.flatMap((row, place) => {
    const { ids, opening } = encodePrompt(policy, withTools(row, completing.tools, tokenizer));
    requireRoom(ids.length, policy, row);
    return Array.from({ length: samples }, (_, sample) => beginDraft(row, key(row, sample, place), ids, opening));
  });
  let open = [...drafts.keys()];
  while (open.length > 0) {
    // oxlint-disable-next-line no-await-in-loop -- a turn follows on what was said to the one before
    const spoken = await nextTurns(
      policy,
      open.map((place) => drafts[place] as Draft),
      { limits, accept },
    );
    for (const [at, place] of open.entries()) drafts[place] = spoken[at] as Draft;
    // oxlint-disable-next-line no-await-in-loop
    const told = await reply(spoken);
    open = open.filter((place, at) => {
      const [draft, said] = [spoken[at] as Draft, told[at]];
      if (said === undefined) return false;
      const tokens = toldTokens(tokenizer, said.messages, draft.ids.at(-1) ?? -1);
      const next = withTold(draft, said, tokens, limits);
      drafts[place] = next ?? cutOff(draft);
      return next !== undefined;
    });
  }
  return inGroups(drafts.map(completionOf), samples);
}

function replyOf(
  { tools, refine, verify, maxToolCalls = 0, maxToolTokens = 0 }: Completing,
  tokenizer: Tokenizer,
): Reply {
  return firstOf([
    ...(tools ? [answerCalls({ tools, maxToolCalls, maxToolTokens }, tokenizer)] : []),
    ...(refine && verify ? [refineWrong(refine, verify)] : []),
  ]);
}

async function nextTurns(
  policy: Policy,
  drafts: readonly Draft[],
  { limits, accept }: { readonly limits: Limits; readonly accept: Accept | undefined },
): Promise<Draft[]> {
  const { tokenizer } = policy;
  const { ids, texts, pieces } = tokenizer.stop;
  const stops = { stopIds: [...tokenizer.stopIds, ...ids], stopTexts: pieces && { texts, pieces } };
  const requests = drafts.map((draft) => ({ ...turnRequest(draft, limits), ...stops }));
  const completions = await policy.generate(requests, accept);
  return zip(drafts, completions).map(([draft, completion]) => withTurn(draft, cutAtStop(completion, tokenizer)));
}

function completionOf(draft: Draft): SampledCompletion {
  const { row, key, promptIds, ids, sampled, probs, turn, messages, calls, failedCalls, tries } = draft;
  const several = sampled.length > 1;
  return {
    row,
    key,
    promptIds,
    completionIds: ids,
    ...(several && { sampled, messages }),
    oldProbs: several ? joined(probs) : (probs[0] ?? new Float32Array()),
    opening: turn.opening,
    text: turn.text,
    tokens: sampledCount(draft),
    terminated: turn.terminated,
    calls,
    failedCalls,
    tries,
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

/** Cuts a list of equally many items a group into its groups. */
export function inGroups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: items.length / size }, (_, group) => items.slice(group * size, (group + 1) * size));
}

function requireRoom(promptLength: number, { config: { maxLength } }: Policy, row: Row): void {
  if (maxLength - promptLength >= 1) return;
  throw new UserError(`row ${row.id}: its prompt has ${promptLength} tokens; the model's context holds ${maxLength}`);
}
