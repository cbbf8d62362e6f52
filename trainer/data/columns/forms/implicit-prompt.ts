import { isDeepStrictEqual } from 'node:util';
import { BadLine, inWords } from '../../files/bad-line.ts';
import type { Fields } from '../fields.ts';
import type { Beginning } from './beginning.ts';
import { messagesOf } from './messages.ts';

/** TRL's preferences with an implicit prompt: what two conversations begin with alike is their prompt. @throws BadLine */
export function implicitPrompt(fields: Fields): Beginning {
  const [chosen, rejected] = ['chosen', 'rejected'].map((field) => {
    if (typeof fields[field] !== 'string') return messagesOf(fields[field], field);
    throw new BadLine(
      `${field}: found ${inWords(fields[field])} without a prompt; expected prompt, or whole conversations`,
    );
  }) as [ReturnType<typeof messagesOf>, ReturnType<typeof messagesOf>];
  // The last turn is an answer even where both answers are the same.
  const longest = Math.min(chosen.length, rejected.length) - 1;
  const differing = chosen.findIndex((message, at) => at >= longest || !isDeepStrictEqual(message, rejected[at]));
  if (differing === 0) throw new BadLine('chosen and rejected begin with different messages; expected the same prompt');
  return { messages: chosen.slice(0, differing) };
}
