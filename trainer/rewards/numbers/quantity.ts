/** Words behind a number that are part of it: 3 million is no 3. */
const factors: Readonly<Record<string, bigint>> = Object.fromEntries(
  (
    [
      [100n, 'hundred hundreds hundert cent cien cento cem honderd 百'],
      [1000n, 'thousand thousands k tausend mille mil mila duizend tusen tisíc tysiąc tysiące тысяча тысячи тысяч 千'],
      [10_000n, '万 萬'],
      [
        1_000_000n,
        'million millions mn mio millionen millón millones milhão milhões milione milioni miljoen miljoner milion miliony ' +
          'миллион миллиона миллионов',
      ],
      [100_000_000n, '亿 億'],
      [1_000_000_000n, 'billion billions bn milliarde milliarden mrd milliard milliards miliardo miliardi miljard'],
      [1_000_000_000_000n, 'trillion trillions'],
    ] as const
  ).flatMap(([factor, words]) => words.split(' ').map((word) => [word, factor])),
);

/** What a word behind a number multiplies it by; `undefined` for any other word. */
export function factorOf(word: string): bigint | undefined {
  const key = word.toLowerCase();
  return Object.hasOwn(factors, key) ? factors[key] : undefined;
}

/** Units of one letter. Any other letter behind a number is a variable: `2x` is no 2. */
const letterUnits = new Set('mgshlLtJNWVA');

/** Whether a word behind a number can be what it counts. */
export function isUnit(word: string): boolean {
  if (/^\p{Script=Han}+$/u.test(word)) return true;
  return word.length === 1 ? letterUnits.has(word) : !notUnits.has(word.toLowerCase());
}

/** Words that make another answer of the number before them, or a second one. */
const notUnits = new Set(
  (
    'or and not nor minus plus times divided over point half quarter third fourth fifth to than but pi sqrt frac ' +
    'oder und nicht mal geteilt durch komma halb viertel drittel bis ou et ni pas ni moins fois virgule pi o y no ni menos ' +
    'por coma e ed non meno per virgola en niet keer min komma eller och og ikke ja tai lub albo i nie или и не'
  ).split(' '),
);
