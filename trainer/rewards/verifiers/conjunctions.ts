/** "and" by language; English and German count everywhere, as many rows do not say their language. */
const words: Readonly<Record<string, string>> = {
  af: 'en',
  bg: 'и',
  ca: 'i',
  cs: 'a',
  da: 'og',
  el: 'και',
  es: 'y e',
  eu: 'eta',
  fi: 'ja sekä',
  fr: 'et',
  gl: 'e',
  he: 'ו',
  hr: 'i',
  hu: 'és',
  id: 'dan',
  is: 'og',
  it: 'e ed',
  ja: 'と',
  ko: '그리고 및',
  lt: 'ir',
  lv: 'un',
  ms: 'dan',
  nb: 'og',
  nl: 'en',
  nn: 'og',
  no: 'og',
  pl: 'i oraz',
  pt: 'e',
  ro: 'și şi',
  ru: 'и',
  sk: 'a',
  sl: 'in',
  sq: 'dhe',
  sr: 'i и',
  sv: 'och',
  tr: 've',
  uk: 'і й та',
  vi: 'và',
  zh: '和 与 及',
};

export interface Conjunctions {
  /** Between two items. */
  readonly between: RegExp;
  /** At the beginning of an item, behind its comma. */
  readonly first: RegExp;
}

const known = new Map<string, Conjunctions>();

/** @param language ISO 639-1 code */
export function conjunctionsOf(language = ''): Conjunctions {
  const found = known.get(language) ?? build(language);
  known.set(language, found);
  return found;
}

function build(language: string): Conjunctions {
  const own = Object.hasOwn(words, language) ? (words[language]?.split(' ') ?? []) : [];
  const spaced = ['and', 'und', '&', ...own].join('|');
  // Chinese and Japanese write no spaces around it.
  const close = language === 'zh' || language === 'ja' ? `|${own.join('|')}` : '';
  return {
    between: new RegExp(`\\s(?:${spaced})\\s${close}`, 'iu'),
    first: new RegExp(`^\\s*(?:${spaced})\\s`, 'iu'),
  };
}
