import type { Row } from '../../contract/settings/dataset.ts';
import type { Span } from '../../engine/sequences.ts';
import { withCompletion } from '../../data/with-completion.ts';

/**
 * The turns of the assistant in a row, each as a row of its own with what was said before as its prompt; the last one is
 * the row itself. A turn that nothing comes before is not one to learn.
 */
export function assistantTurns(row: Row): Row[] {
  const earlier = row.messages.flatMap(({ role, content, tool_calls: toolCalls }, place): Row[] => {
    if (role !== 'assistant' || place === 0) return [];
    const turn = withCompletion({ ...row, messages: row.messages.slice(0, place) }, content);
    return [{ ...turn, ...(toolCalls && { toolCalls }) }];
  });
  return [...earlier, row];
}

/** Tokens of a prompt with its completion. */
interface Turn {
  readonly ids: readonly number[];
  /** Where the completion begins in `ids`. */
  readonly from: number;
}

/** Tokens of which some are trained. */
export interface Turns {
  readonly ids: readonly number[];
  /** Ascending and apart. */
  readonly trained: readonly Span[];
}

/**
 * Puts turns together where that changes nothing: one whose tokens are the beginning of a later one's is trained there,
 * as attention sees the same tokens before it. Templates that change what was said earlier (Qwen3 and R1 leave out
 * its thoughts) give a document of its own to each turn.
 *
 * @param turns in their order
 */
export function joinTurns(turns: readonly Turn[]): Turns[] {
  const joined: Turns[] = [];
  for (const { ids, from } of turns.toReversed()) {
    const at = joined.findIndex((later) => ids.every((id, place) => later.ids[place] === id));
    const span: Span = [from, ids.length];
    const later = joined[at];
    if (later === undefined) joined.push({ ids, trained: [span] });
    else joined[at] = { ids: later.ids, trained: [span, ...later.trained] };
  }
  return joined.toReversed();
}
