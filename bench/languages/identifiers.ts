import { createRequire } from 'node:module';

/** The most likely language of a text, ISO 639-1 where there is a code, and whether the identifier calls that reliable. */
export type Identifier = (text: string) => Answer | Promise<Answer>;

export interface Answer {
  readonly language: string;
  readonly reliable: boolean;
}

/**
 * How to load each of the identifiers that were compared. Only ELD is a dependency; the others are found once they were
 * installed: `npm install --no-save cld3-asm fasttext.wasm.js franc lande tinyld`.
 */
export const identifiers: Readonly<Record<string, () => Promise<Identifier>>> = {
  'eld/large': () => eld('large'),
  'eld/medium': () => eld('medium'),
  'eld/small': () => eld('small'),
  'eld/extrasmall': () => eld('extrasmall'),
  async lande() {
    const { default: lande } = (await optional('lande')) as { default: (text: string) => [string, number][] };
    return (text) => {
      const [code = '', probability = 0] = lande(text)[0] ?? [];
      return { language: twoLetters(code), reliable: probability > 0.8 };
    };
  },
  async franc() {
    const { franc } = (await optional('franc')) as { franc: (text: string, options: object) => string };
    return (text) => {
      const code = franc(text, { minLength: 1 });
      return { language: twoLetters(code), reliable: code !== 'und' };
    };
  },
  async tinyld() {
    const { detectAll } = (await optional('tinyld')) as {
      detectAll: (text: string) => { lang: string; accuracy: number }[];
    };
    return (text) => {
      const { lang = 'none', accuracy = 0 } = detectAll(text)[0] ?? {};
      return { language: lang, reliable: accuracy > 0.5 };
    };
  },
  async 'cld3-asm'() {
    const { loadModule } = createRequire(import.meta.url)('cld3-asm') as Cld3;
    const cld = (await loadModule()).create(0, 1000);
    return (text) => {
      const { language, is_reliable: reliable } = cld.findLanguage(text);
      return { language: language.slice(0, 2), reliable };
    };
  },
  async 'fasttext.wasm.js'() {
    const { getLIDModel } = (await optional('fasttext.wasm.js')) as FastText;
    const model = await getLIDModel();
    await model.load();
    return async (text) => {
      const { alpha2, possibility } = await model.identify(text);
      return { language: alpha2 ?? 'none', reliable: possibility > 0.5 };
    };
  },
};

interface Cld3 {
  loadModule: () => Promise<{
    create(min: number, max: number): { findLanguage(text: string): { language: string; is_reliable: boolean } };
  }>;
}

interface FastText {
  getLIDModel: () => Promise<{
    load(): Promise<unknown>;
    identify(text: string): Promise<{ alpha2: string | null; possibility: number }>;
  }>;
}

async function eld(size: 'large' | 'medium' | 'small' | 'extrasmall'): Promise<Identifier> {
  const { eld: detector } = await import(`eld/${size}`);
  return (text) => {
    const found = detector.detect(text);
    return { language: found.language || 'none', reliable: found.isReliable() };
  };
}

function optional(name: string): Promise<unknown> {
  return import(name);
}

const threeLetters: Readonly<Record<string, string>> = {
  ara: 'ar',
  arb: 'ar',
  cmn: 'zh',
  deu: 'de',
  eng: 'en',
  fra: 'fr',
  ita: 'it',
  jpn: 'ja',
  kor: 'ko',
  nld: 'nl',
  pol: 'pl',
  por: 'pt',
  rus: 'ru',
  spa: 'es',
  swe: 'sv',
  tur: 'tr',
};

function twoLetters(code: string): string {
  return threeLetters[code] ?? code;
}
