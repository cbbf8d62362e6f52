import { UserError } from '../contract/process/errors.ts';
import { shown } from '../contract/process/shown.ts';

/** A text as JavaScript puts it in unchanged; other than text is none. */
export function replacementOf(content: unknown): string {
  return typeof content === 'string' ? content.replaceAll('$', '$$$$') : '';
}

/** The regular expression of a pattern `{"Regex": …}` or `{"String": …}`. @throws UserError for anything else */
export function regexOf(pattern: unknown, path: string): string {
  const { Regex: regex, String: text } = (pattern ?? {}) as Record<string, unknown>;
  if (typeof regex === 'string') return regex;
  if (typeof text === 'string') return text.replace(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
  throw new UserError(`${path}: found the pattern ${shown(pattern)}, expected {"Regex": …} or {"String": …}`);
}
