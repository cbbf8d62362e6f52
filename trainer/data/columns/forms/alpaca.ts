import { BadLine } from '../../files/bad-line.ts';
import { type Fields, textOf } from '../fields.ts';
import type { Beginning } from './beginning.ts';

/** Stanford Alpaca: the task, what it is applied to on the next line, and what was to be said. @throws BadLine */
export function alpaca(fields: Fields): Beginning {
  const task = textOf(fields, 'instruction');
  const input = textOf(fields, 'input');
  const output = textOf(fields, 'output');
  if (!task) throw new BadLine('instruction: is empty');
  if (Array.isArray(fields['history']) && fields['history'].length > 0) {
    throw new BadLine('history: found earlier turns beside instruction, expected them as messages');
  }
  return {
    messages: [{ role: 'user', content: input ? `${task}\n${input}` : task }],
    ...(output !== undefined && { completion: { text: output } }),
  };
}
