/** What is wrong with one row, without its place: whoever reads the file adds it. */
export class BadLine extends Error {}

/** A value as a message shows it: short, and without looking inside of lists and objects. */
export function inWords(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}
