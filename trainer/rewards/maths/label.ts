import { lastBox } from '../answers/boxed.ts';
import { plainCharacters } from '../numbers/characters.ts';
import { undress } from '../answers/undress.ts';

const maxLength = 80;
/** Four words are an answer, `no real solutions exist`; more are an explanation. */
const words = /^\p{L}[\p{L}\p{M}'’-]*(?:\s+[\p{L}\p{M}'’-]+){0,3}$/u;
const introduction = /^\**(?:so |thus |hence )?(?:the )?(?:final |correct )?answer(?: is)?\s*:?\**\s+/i;
const numeral = /^([\dA-F]+)_\{?(\d{1,2})\}?$/;
const time = /^(\d{1,2}:\d{2})\s*([ap])\.?\s?m\.?$/i;
/** As in the keys of competitions: `\textbf{(A)}\ 5`, the letter and what stands behind it; of several letters none was chosen. */
const chosen =
  /^\\(?:text|textbf|mathrm|mathbf)\s*\{\s*\(([A-Z])\)\s*\}(?:\s|~|\\[ ,;:]|\\q?quad(?![a-zA-Z]))+(?![^]*\([A-Z]\))/;
const ratio = /^\d+(?:\.\d+)?(?:\s*:\s*\d+(?:\.\d+)?)+$/;

/**
 * What an answer says that is no formula, and so is compared as a text: words (`\text{Evelyn}`, `(B)`, `no solution`), whose case does not count, a numeral with its
 * base (`101_2`), a ratio or a time (`3:00`). Case counts in a single letter: `x` and `X` are two variables.
 *
 * @returns `undefined` for any other text
 */
export function labelOf(text: string): string | undefined {
  const whole = undress(plainCharacters(lastBox(text) ?? text));
  const [, letter] = chosen.exec(whole) ?? [];
  if (letter !== undefined) return letter;
  const bare = undress(whole.replace(introduction, ''));
  if (bare.length > maxLength) return undefined;
  const [, digits, base] = numeral.exec(bare) ?? [];
  if (digits !== undefined) return `${digits}_${base}`;
  const [, clock, half = ''] = time.exec(bare.replace(/\\(?:text|mathrm)\s*\{([^{}]*)\}/, '$1')) ?? [];
  if (clock !== undefined) return `${clock} ${half.toLowerCase()}m`;
  if (ratio.test(bare)) return bare.replaceAll(/\s/g, '');
  if (!words.test(bare)) return undefined;
  return bare.length === 1 ? bare : bare.toLowerCase().replaceAll(/\s+/g, ' ');
}
