import type { Message, ToolCall } from '../../../contract/settings/dataset.ts';
import { BadLine } from '../../files/bad-line.ts';

/** What the assistant says or does next. */
export interface Turn {
  readonly text: string;
  readonly toolCalls?: readonly ToolCall[] | undefined;
}

/** The prompt of a row, and its completion where the same fields hold it. */
export interface Beginning {
  readonly messages: readonly Message[];
  readonly completion?: Turn | undefined;
}

/**
 * A conversation whose last turn, if it is the assistant's, is the completion.
 *
 * @param field for messages
 * @throws BadLine if it ends with neither turn, or with the assistant's first and only one
 */
export function splitLastTurn(conversation: readonly Message[], field: string): Beginning {
  const last = conversation.at(-1);
  if (last?.role === 'user' || last?.role === 'tool') return { messages: conversation };
  if (last?.role !== 'assistant' || conversation.length < 2) {
    const found = `${field} end with a message of the ${last?.role}`;
    const why = last?.role === 'assistant' ? ' that nothing comes before' : '';
    throw new BadLine(`${found}${why}; expected the user's, a tool's or the assistant's turn`);
  }
  return { messages: conversation.slice(0, -1), completion: turnOf(last) };
}

export function turnOf({ content, tool_calls: toolCalls }: Message): Turn {
  return { text: content, ...(toolCalls && { toolCalls }) };
}
