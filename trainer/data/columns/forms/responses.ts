import { isDeepStrictEqual } from 'node:util';
import type { Message } from '../../../contract/settings/dataset.ts';
import { BadLine, inWords } from '../../files/bad-line.ts';
import { type Fields, isRecord, namesOf } from '../fields.ts';
import { LackingColumn } from '../lacking-column.ts';
import { type Beginning, turnOf, type Turn } from './beginning.ts';
import { messageOf, messagesOf } from './messages.ts';

/** The prompt with what was said after it, which stands in `completion`: text, or messages of which the last counts. @throws BadLine */
export function withCompletion(beginning: Beginning, fields: Fields): Beginning {
  const { completion } = fields;
  if (completion === undefined) return beginning;
  if (beginning.completion !== undefined) {
    throw new BadLine("found a completion beside the assistant's last turn; expected one of them");
  }
  const turns = turnsOf(completion, 'completion', beginning.messages);
  const last = lastTurn(turns, 'completion');
  return { messages: [...beginning.messages, ...turns.slice(0, -1)], completion: last };
}

/** The two answers of a preference, or none. @throws BadLine */
export function pairOf(fields: Fields, prompt: readonly Message[]): { chosen?: string; rejected?: string } {
  const missing = (['chosen', 'rejected'] as const).filter((name) => fields[name] === undefined);
  if (missing.length === 2) return {};
  if (missing[0] !== undefined) {
    const found = missing[0] === 'chosen' ? 'rejected' : 'chosen';
    const message = `found only one of chosen and rejected: ${found}; found ${namesOf(fields)}`;
    throw new LackingColumn(message, missing[0], fields);
  }
  return { chosen: answerOf(fields, 'chosen', prompt), rejected: answerOf(fields, 'rejected', prompt) };
}

/** TRL's unpaired preference: whether the completion is good. A column of that name with anything else is about something else. */
export function labelOf({ label }: Fields): boolean | undefined {
  if (label === 0 || label === 1) return label === 1;
  return typeof label === 'boolean' ? label : undefined;
}

/** By how much the chosen answer is better. @throws BadLine */
export function marginOf({ margin }: Fields): number | undefined {
  if (margin === undefined || (typeof margin === 'number' && Number.isFinite(margin))) return margin;
  throw new BadLine(`margin: found ${inWords(margin)}, expected a number`);
}

function answerOf(fields: Fields, field: string, prompt: readonly Message[]): string {
  const turns = turnsOf(fields[field], field, prompt);
  if (turns.length > 1) {
    throw new BadLine(`${field}: found ${turns.length} messages after the prompt, expected one of the assistant`);
  }
  const { text, toolCalls } = lastTurn(turns, field);
  if (toolCalls === undefined) return text;
  throw new BadLine(`${field}: found a tool call, expected text: reward models compare texts`);
}

/** @returns the messages after the prompt; it may be repeated in front of them */
function turnsOf(value: unknown, field: string, prompt: readonly Message[]): Message[] {
  if (typeof value === 'string') return [{ role: 'assistant', content: value }];
  if (isRecord(value)) return [messageOf(value, field)];
  if (!Array.isArray(value)) {
    throw new BadLine(`${field}: found ${inWords(value)}, expected text, a message or a list of messages`);
  }
  const messages = messagesOf(value, field);
  const repeated = prompt.length > 0 && prompt.every((message, at) => isDeepStrictEqual(message, messages[at]));
  return repeated ? messages.slice(prompt.length) : messages;
}

function lastTurn(turns: readonly Message[], field: string): Turn {
  const last = turns.at(-1);
  if (last?.role === 'assistant') return turnOf(last);
  throw new BadLine(
    `${field} ends with ${last ? `a message of the ${last.role}` : 'the prompt'}; expected the assistant's turn`,
  );
}
