import { BadLine, inWords } from '../files/bad-line.ts';

/** The fields of a row. */
export type Fields = Readonly<Record<string, unknown>>;

const namesShown = 12;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text of an optional field. @throws BadLine if it is something else */
export function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new BadLine(`${name}: found ${inWords(value)}, expected text`);
}

/** `fields question, answer`, for messages. */
export function namesOf(fields: Fields): string {
  const names = Object.keys(fields).map((name) => (name.length <= 40 ? name : `${name.slice(0, 39)}…`));
  if (names.length === 0) return 'no fields';
  const more = names.length > namesShown ? ` and ${names.length - namesShown} more` : '';
  return `field${names.length === 1 ? '' : 's'} ${names.slice(0, namesShown).join(', ')}${more}`;
}

/** The value of a field, or of one inside of objects: `reward_model.ground_truth`. */
export function valueAt(fields: Fields, path: string): unknown {
  if (Object.hasOwn(fields, path)) return fields[path];
  return path.split('.').reduce<unknown>((value, name) => {
    return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }, fields);
}
