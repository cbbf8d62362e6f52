import { type Fields, isRecord } from './fields.ts';
import { readJsonLines } from './jsonl.ts';

/** The fields of a file's first row, for messages. @throws UserError as `readJsonLines` */
export async function firstFields(file: string): Promise<Fields> {
  for await (const { value } of readJsonLines(file)) return isRecord(value) ? value : {};
  return {};
}
