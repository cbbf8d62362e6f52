import { type Fields, isRecord } from './fields.ts';
import { readDataLines } from '../files/data-lines.ts';

/** The fields of a file's first row, for messages. @throws UserError as `readDataLines` */
export async function firstFields(file: string): Promise<Fields> {
  for await (const { value } of readDataLines(file, () => false)) return isRecord(value) ? value : {};
  return {};
}
