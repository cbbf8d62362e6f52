import { type Message, roles, type ToolCall } from '../../../contract/settings/dataset.ts';
import { BadLine, inWords } from '../../files/bad-line.ts';
import { isRecord } from '../fields.ts';
import { toolCallsOf } from './tools.ts';

/** Who speaks in ShareGPT's `from`. */
const speakers: Readonly<Record<string, Message['role']>> = {
  system: 'system',
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  chatgpt: 'assistant',
  assistant: 'assistant',
  tool: 'tool',
  observation: 'tool',
};

/**
 * A list of messages in the form of chat templates (`role`, `content`, tool calls) or of ShareGPT (`from`, `value`).
 *
 * @param field its name in the row, for messages
 * @throws BadLine
 */
export function messagesOf(value: unknown, field: string): Message[] {
  if (!Array.isArray(value)) throw new BadLine(`${field}: found ${inWords(value)}, expected a list of messages`);
  if (value.length === 0) throw new BadLine(`${field}: is empty`);
  return value.map((item: unknown, index) => messageOf(item, `${field}.${index}`));
}

/** One message. @throws BadLine */
export function messageOf(value: unknown, path: string): Message {
  if (!isRecord(value)) throw new BadLine(`${path}: found ${inWords(value)}, expected a message with role and content`);
  if (!('role' in value) && 'from' in value) return shareGptMessage(value, path);
  const role = roles.find((known) => known === value['role']);
  if (role === undefined) {
    throw new BadLine(`${path}.role: found ${inWords(value['role'])}, expected one of ${roles.join(', ')}`);
  }
  const calls = toolCallsOf(value['tool_calls'], `${path}.tool_calls`);
  const { name, tool_call_id: callId } = value;
  return {
    role,
    content: withThought(contentOf(value['content'], `${path}.content`, calls), value['reasoning_content']),
    ...(typeof name === 'string' && { name }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(typeof callId === 'string' && { tool_call_id: callId }),
  };
}

function shareGptMessage({ from, value }: Record<string, unknown>, path: string): Message {
  if (from === 'function_call') {
    return { role: 'assistant', content: '', tool_calls: toolCallsOf(value, `${path}.value`) };
  }
  const role = typeof from === 'string' && Object.hasOwn(speakers, from) ? speakers[from] : undefined;
  if (role === undefined) {
    const known = [...Object.keys(speakers), 'function_call'].join(', ');
    throw new BadLine(`${path}.from: found ${inWords(from)}, expected one of ${known}`);
  }
  return { role, content: contentOf(value, `${path}.value`, []) };
}

/** Text, or parts of it that are joined. A message that calls tools need not say anything else. */
function contentOf(content: unknown, path: string, calls: readonly ToolCall[]): string {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map((part, index) => partOf(part, `${path}.${index}`)).join('');
  if ((content === null || content === undefined) && calls.length > 0) return '';
  throw new BadLine(`${path}: found ${inWords(content)}, expected text or a list of text parts`);
}

function partOf(part: unknown, path: string): string {
  const { type, text } = isRecord(part) ? part : { type: undefined, text: undefined };
  if (type === 'text' && typeof text === 'string') return text;
  if (typeof type === 'string' && type !== 'text') {
    throw new BadLine(
      `${path}: found a part of type ${inWords(type)}, expected text: images and the like are not read`,
    );
  }
  throw new BadLine(`${path}: found ${inWords(part)}, expected {"type": "text", "text": …}`);
}

/** A chain of thought in a field of its own, written where the model writes it. */
function withThought(content: string, thought: unknown): string {
  return typeof thought === 'string' && thought !== '' ? `<think>\n${thought.trim()}\n</think>\n\n${content}` : content;
}
