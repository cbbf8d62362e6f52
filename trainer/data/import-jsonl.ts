import { z } from 'zod';
import { languages, message, type DatasetSettings, type Message, type Row } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import type { JsonLine } from './jsonl.ts';
import { openRowFile, type ScanOptions } from './row-file.ts';
import type { RowList } from './row-list.ts';
import { checkGold, describeIssue } from './rows.ts';
import { withSystem } from './system-message.ts';

/** null is the same as absent. */
function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

const text = z.string({ error: 'expected text' });

/** A line of a person's JSONL file; other fields are ignored. */
const line = z.object(
  {
    prompt: optional(text.min(1, { error: 'is empty' })),
    messages: optional(z.array(message).min(1, { error: 'is empty' })),
    completion: optional(text),
    answer: optional(z.union([z.string(), z.number()], { error: 'expected text or a number' }).transform(String)),
    chosen: optional(text),
    rejected: optional(text),
    language: optional(z.enum(languages)),
  },
  { error: 'expected a JSON object' },
);
type Line = z.infer<typeof line>;

/**
 * Rows of a JSONL dataset; a row's id is `idPrefix/line`.
 *
 * - `prompt` becomes one user message; `messages` end with the user's turn, or with the assistant's, which then is the
 *   completion.
 * - The dataset's system message goes before the prompts that have none of their own.
 *
 * @throws UserError `file:line: …`
 */
export async function importJsonl(
  file: string,
  settings: DatasetSettings,
  idPrefix: string,
  options?: ScanOptions,
): Promise<RowList> {
  const rows = await openRowFile(file, (found) => readLine(found, settings, idPrefix), options);
  if (rows.length === 0) throw new UserError(`${file}: found no rows; expected one JSON row a line`);
  return rows;
}

function readLine({ place, number, value }: JsonLine, settings: DatasetSettings, idPrefix: string): Row {
  const parsed = line.safeParse(value);
  if (!parsed.success) throw new UserError(`${place}: ${describeIssue(parsed.error)}`);
  try {
    return checkGold(rowOf(parsed.data, settings, `${idPrefix}/${number}`), place);
  } catch (error) {
    throw error instanceof BadLine ? new UserError(`${place}: ${error.message}`) : error;
  }
}

class BadLine extends Error {}

function rowOf(found: Line, settings: DatasetSettings, id: string): Row {
  const { messages, completion } = conversationOf(found);
  if ((found.chosen === undefined) !== (found.rejected === undefined)) {
    throw new BadLine('found only one of chosen and rejected; expected both or neither');
  }
  if (settings.answer !== undefined && found.answer === undefined) {
    throw new BadLine(`found no answer; dataset ${settings.name} says how answers are verified`);
  }
  const { language, answer, chosen, rejected } = found;
  const row: Row = {
    id,
    dataset: settings.name,
    domain: settings.domain ?? 'reasoning',
    ...(language && { language }),
    messages,
    ...(completion !== undefined && { completion }),
    ...(answer !== undefined && { answer: { kind: 'number', in: 'answerTag', ...settings.answer, gold: answer } }),
    ...(chosen !== undefined && { chosen }),
    ...(rejected !== undefined && { rejected }),
  };
  return withSystem(row, settings.system);
}

function conversationOf({ prompt, messages, completion }: Line): {
  messages: Message[];
  completion?: string | undefined;
} {
  if ((prompt === undefined) === (messages === undefined)) {
    throw new BadLine(
      `found ${prompt === undefined ? 'neither prompt nor' : 'both prompt and'} messages; expected one of them`,
    );
  }
  if (messages === undefined) return { messages: [{ role: 'user', content: prompt as string }], completion };
  const last = messages.at(-1) as Message;
  if (last.role === 'user') return { messages, completion };
  if (last.role === 'system' || messages.length < 2 || completion !== undefined) {
    const expected =
      completion === undefined ? "the user's or the assistant's turn" : "the user's turn before completion";
    throw new BadLine(`messages end with a message of the ${last.role}; expected ${expected}`);
  }
  return { messages: messages.slice(0, -1), completion: last.content };
}
