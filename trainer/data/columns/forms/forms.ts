import { BadLine, inWords } from '../../files/bad-line.ts';
import { type Fields, namesOf } from '../fields.ts';
import { LackingColumn } from '../lacking-column.ts';
import { alpaca } from './alpaca.ts';
import { type Beginning, splitLastTurn } from './beginning.ts';
import { implicitPrompt } from './implicit-prompt.ts';
import { messagesOf } from './messages.ts';

/** How a row says what its prompt is. */
interface Form {
  /** The fields that it is recognised by. */
  readonly fields: readonly string[];
  /** @throws BadLine */
  readonly read: (fields: Fields) => Beginning;
}

/** The first whose fields a row has. */
const forms: readonly Form[] = [
  { fields: ['messages'], read: ({ messages }) => splitLastTurn(messagesOf(messages, 'messages'), 'messages') },
  {
    fields: ['conversations'],
    read: ({ conversations }) => splitLastTurn(messagesOf(conversations, 'conversations'), 'conversations'),
  },
  { fields: ['prompt'], read: prompt },
  { fields: ['instruction'], read: alpaca },
  { fields: ['chosen', 'rejected'], read: implicitPrompt },
  { fields: ['text'], read: document },
];

/** Fields of which a row has one. Beside another of them, `text` is that one with a template around it. */
const exclusive = ['prompt', 'messages', 'conversations', 'instruction'];
export const beginnings: readonly string[] = [...exclusive, 'text'];

/** The prompt of a row in whatever form it is written, with its completion if that is not in a field of its own. @throws BadLine */
export function beginningOf(fields: Fields): Beginning {
  const found = exclusive.filter((name) => fields[name] !== undefined);
  if (found.length > 1) {
    const [one, other] = found;
    throw new BadLine(
      `found both ${one} and ${other}; expected one of them, or the one that counts: columns: {${one}: ${one}}`,
    );
  }
  const form = forms.find((candidate) => candidate.fields.every((name) => fields[name] !== undefined));
  if (form !== undefined) return form.read(fields);
  throw new LackingColumn(`found ${namesOf(fields)}; expected prompt or messages`, 'prompt', fields);
}

function prompt({ prompt: value }: Fields): Beginning {
  if (value === '') throw new BadLine('prompt: is empty');
  if (typeof value === 'string') return { messages: [{ role: 'user', content: value }] };
  if (!Array.isArray(value)) throw new BadLine(`prompt: found ${inWords(value)}, expected text or a list of messages`);
  const messages = messagesOf(value, 'prompt');
  if (messages.at(-1)?.role !== 'assistant') return { messages };
  throw new BadLine("prompt ends with a message of the assistant; expected the user's or a tool's turn");
}

/** A text without roles: no template is put around it, and all of it is trained. */
function document({ text }: Fields): Beginning {
  if (typeof text !== 'string' || text === '') throw new BadLine('text: expected text that is not empty');
  return { messages: [], completion: { text } };
}
