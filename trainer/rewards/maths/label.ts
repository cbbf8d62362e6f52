import { lastBox } from '../answers/boxed.ts';
import { plainCharacters } from '../numbers/characters.ts';
import { undress } from '../answers/undress.ts';

const maxLength = 80;
/** Four words are an answer, `no real solutions exist`; more are an explanation. */
const words = /^\p{L}[\p{L}\p{M}'’-]*(?:\s+[\p{L}\p{M}'’-]+){0,3}$/u;
const introduction = /^\**(?:so |thus |hence )?(?:the )?(?:final |correct )?answer(?: is)?\s*:?\**\s+/i;
const numeral = /^([\dA-F]+)_\{?(\d{1,2})\}?$/;
const ratio = /^\d+(?:\.\d+)?(?:\s*:\s*\d+(?:\.\d+)?)+$/;

/**
 * What an answer says that is no formula, and so is compared as a text: words (`\text{Evelyn}`, `(B)`, `no solution`), whose case does not count, a numeral with its
 * base (`101_2`), a ratio or a time (`3:00`). Case counts in a single letter: `x` and `X` are two variables.
 *
 * @returns `undefined` for any other text
 */
export function labelOf(text: string): string | undefined {
  const said = undress(plainCharacters(lastBox(text) ?? text)).replace(introduction, '');
  const bare = undress(said);
  if (bare.length > maxLength) return undefined;
  const [, digits, base] = numeral.exec(bare) ?? [];
  if (digits !== undefined) return `${digits}_${base}`;
  if (ratio.test(bare)) return bare.replaceAll(/\s/g, '');
  if (!words.test(bare)) return undefined;
  return bare.length === 1 ? bare : bare.toLowerCase().replaceAll(/\s+/g, ' ');
}
