/** Words behind a number that are part of it: 3 million is no 3. */
const factors: Readonly<Record<string, bigint>> = Object.fromEntries(
  (
    [
      [100n, 'hundred hundreds hundert honderd 百'],
      [1000n, 'thousand thousands tausend mille mil mila duizend tusen tisíc tysiąc tysiące тысяча тысячи тысяч 千'],
      [10_000n, '万 萬'],
      [
        1_000_000n,
        'million millions mio millionen millón millones milhão milhões milione milioni miljoen miljoner milion miliony ' +
          'миллион миллиона миллионов',
      ],
      [100_000_000n, '亿 億'],
      [1_000_000_000n, 'billion billions bn milliarde milliarden mrd milliard milliards miliardo miliardi miljard'],
      [1_000_000_000_000n, 'trillion trillions'],
    ] as const
  ).flatMap(([factor, words]) => words.split(' ').map((word) => [word, factor])),
);

/**
 * What a word behind a number multiplies it by; `undefined` for any other word.
 *
 * @param touches whether nothing stands between them: 5k is 5000, 300 K is a temperature
 */
export function factorOf(word: string, touches = false): bigint | undefined {
  if (touches && /^k$/i.test(word)) return 1000n;
  const key = word.toLowerCase();
  return Object.hasOwn(factors, key) ? factors[key] : undefined;
}

/** Units of one letter. Any other letter behind a number is a variable: `2x` is no 2. */
const letterUnits = new Set('mgshlLtJKNWVA');

/** Whether a word behind a number can be what it counts. */
export function isUnit(word: string): boolean {
  if (/^\p{Script=Han}+$/u.test(word)) return true;
  return word.length === 1 ? letterUnits.has(word) : !notUnits.has(word.toLowerCase());
}

/** Words that make another answer of the number before them, or a second one. */
const notUnits = new Set(
  (
    'or and not nor minus plus times divided over point half quarter third fourth fifth to than but pi sqrt frac squared cubed ' +
    'oder und nicht mal geteilt durch komma halb viertel drittel bis ou et ni pas ni moins fois virgule pi o y no ni menos ' +
    'por coma e ed non meno virgola en niet keer min komma eller och og ikke ja tai lub albo i nie или и не'
  ).split(' '),
);

/** Words that are a sign before a number. */
const minusWords = new Set('minus negative negativ moins menos meno mínus miinus eksi минус мінус 负 負'.split(' '));

export function isMinusWord(word: string): boolean {
  return minusWords.has(word.toLowerCase());
}

/** Words behind a number, and behind an "and", that make a larger one of it: 18 squared, 18 and a half. */
const powers = new Set('squared cubed'.split(' '));
const parts =
  /^(?:hal(?:f|ves|b|be|bes)|thirds?|quarters?|fourths?|fifths?|sixths?|eighths?|tenths?|drittel|viertel|achtel|demie?|tiers|quarts?|media|medio)$/i;
const conjunctions = new Set('and und et y e en och og'.split(' '));
const counts = new Set(
  'a an one two three four five seven ein eine zwei drei un une deux trois una uno tres tre'.split(' '),
);

/** Whether the words behind a number (up to four) change its value. */
export function isContinued([first = '', second = '', third = '']: readonly string[]): boolean {
  if (powers.has(first.toLowerCase())) return true;
  if (!conjunctions.has(first.toLowerCase())) return false;
  return parts.test(second) || (counts.has(second.toLowerCase()) && parts.test(third));
}
