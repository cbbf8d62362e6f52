import { correct, wrong, type Verifier } from './verifier.ts';

/** The same characters, up to Unicode composition and white space; upper and lower case differ. */
export const exactVerifier: Verifier<string> = {
  expects: 'some text',
  parseGold: (text) => normalize(text) || undefined,
  grade: (gold, answer) => (normalize(answer) === gold ? correct : wrong),
  canonical: (answer) => normalize(answer) || undefined,
};

function normalize(text: string): string {
  return text.normalize('NFC').trim().replaceAll(/\s+/g, ' ');
}
