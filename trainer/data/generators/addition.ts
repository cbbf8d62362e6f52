import type { GeneratorSettings, GeneratorLanguage, Row } from '../../contract/settings/dataset.ts';
import { completionText } from './completion.ts';
import { drawPrompts, heldOutIdentity, type Side } from './side.ts';

/** One in ten operand pairs is held out, whatever the order of the operands, the language and the number of digits. */
const heldOutShare = 0.1;

/** Words of the chain of thought; no word is in both languages, so that language consistency can be measured. */
export const additionWords = {
  en: { places: ['ones', 'tens', 'hundreds', 'thousands'], check: 'check' },
  de: { places: ['Einer', 'Zehner', 'Hunderter', 'Tausender'], check: 'Probe' },
} as const satisfies Record<GeneratorLanguage, { places: readonly string[]; check: string }>;

/** One column of the sum, from the right: `a + b + carry = sum`. */
export interface AdditionStep {
  readonly a: number;
  readonly b: number;
  readonly carry: number;
  readonly sum: number;
}

/** Operands, language and prompt of one question. */
export interface AdditionPrompt {
  readonly a: number;
  readonly b: number;
  readonly language: GeneratorLanguage;
}

export function additionPromptText({ a, b, language }: AdditionPrompt): string {
  return language === 'de' ? `Addiere ${a}+${b}.` : `Add ${a}+${b}.`;
}

/** The columns of `a + b`, ones first; as many as the longer operand has digits. */
export function additionSteps(a: number, b: number): AdditionStep[] {
  const steps: AdditionStep[] = [];
  let carry = 0;
  for (let place = 1; place <= a || place <= b || place === 1; place *= 10) {
    const [digitA, digitB] = [Math.floor(a / place) % 10, Math.floor(b / place) % 10];
    const sum = digitA + digitB + carry;
    steps.push({ a: digitA, b: digitB, carry, sum });
    carry = sum >= 10 ? 1 : 0;
  }
  return steps;
}

/** The number that the columns' sums spell. */
export function spelledSum(steps: readonly AdditionStep[]): number {
  const digits = steps.map(({ sum }, place) => (place === steps.length - 1 ? sum : sum % 10));
  return Number(digits.toReversed().join(''));
}

/** Chain of thought of the columns, for example `ones 7+8=15 tens 4+3+1=8`. */
export function writeSteps(steps: readonly AdditionStep[], languageAt: (place: number) => GeneratorLanguage): string {
  return steps
    .map(({ a, b, carry, sum }, place) => {
      const word = additionWords[languageAt(place)].places[place];
      return `${word} ${a}+${b}${carry > 0 ? `+${carry}` : ''}=${sum}`;
    })
    .join(' ');
}

/** The reflection after the steps, for example `check: 85-38=47`. */
export function writeCheck(sum: number, a: number, b: number, language: GeneratorLanguage): string {
  return `${additionWords[language].check}: ${sum}-${b}=${a}`;
}

/** Gold chain of thought of `a + b`, digit by digit from the ones. */
export function workedAddition(a: number, b: number, language: GeneratorLanguage): string {
  return writeSteps(additionSteps(a, b), () => language);
}

/** Distinct questions of one side, in random order. */
export function additionPrompts(
  { digits, languages }: Pick<GeneratorSettings, 'digits' | 'languages'>,
  seed: number,
  side: Side,
  rows: number,
): Generator<AdditionPrompt> {
  const bound = 10 ** digits;
  const size = bound * bound * languages.length;
  return drawPrompts({ task: 'addition', seed, side, rows, size }, (index) => {
    const [a, b] = [index % bound, Math.floor(index / bound) % bound];
    const heldOut = heldOutIdentity(seed, `${Math.min(a, b)}+${Math.max(a, b)}`, heldOutShare);
    if (heldOut !== (side === 'heldOut')) return undefined;
    return { a, b, language: languages[Math.floor(index / (bound * bound))] as GeneratorLanguage };
  });
}

/** Additions with their gold answer; training rows also hold the gold completion, from which few-shot examples are made. */
export function* additionRows(dataset: string, settings: GeneratorSettings, seed: number, side: Side): Generator<Row> {
  let number = 0;
  for (const prompt of additionPrompts(settings, seed, side, side === 'train' ? settings.rows : settings.heldOut)) {
    const { a, b, language } = prompt;
    yield {
      id: `${dataset}/${side}/${++number}`,
      dataset,
      domain: 'reasoning',
      language,
      messages: [{ role: 'user', content: additionPromptText(prompt) }],
      ...(side === 'train' && { completion: completionText(workedAddition(a, b, language), String(a + b)) }),
      answer: { kind: 'number', in: 'answerTag', gold: String(a + b) },
    };
  }
}
