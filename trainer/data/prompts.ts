import { randomKey, shuffled } from '../algorithms/random.ts';
import type { Language, Message, Row } from '../contract/settings/dataset.ts';
import { UserError } from '../contract/process/errors.ts';
import type { RowList } from './lists/row-list.ts';

/** What reflection prompting adds to a question; questions in other languages, and in none, get the English request. */
export const reflectionRequest: Partial<Record<Language, string>> & { readonly en: string } = {
  en: 'Check your result.',
  de: 'Mache die Probe.',
  ar: 'تحقق من نتيجتك.',
  es: 'Comprueba tu resultado.',
  fr: 'Vérifie ton résultat.',
  it: 'Controlla il tuo risultato.',
  ja: '結果を確かめてください。',
  ko: '결과를 확인하세요.',
  nl: 'Controleer je resultaat.',
  pl: 'Sprawdź swój wynik.',
  pt: 'Confira o seu resultado.',
  ru: 'Проверь свой результат.',
  sv: 'Kontrollera ditt resultat.',
  tr: 'Sonucunu kontrol et.',
  zh: '请检查你的结果。',
};

/** A question and how it was answered, shown in a few-shot prompt. */
export interface WorkedExample {
  readonly prompt: string;
  readonly completion: string;
}

/** One question a line, each worked example directly followed by its completion. */
export function fewShotText(examples: readonly WorkedExample[], question: string): string {
  return [...examples.map(({ prompt, completion }) => `${prompt} ${completion}`), question].join('\n');
}

export function reflectionText(question: string, language: Language | undefined): string {
  return `${question} ${reflectionRequest[language ?? 'en'] ?? reflectionRequest.en}`;
}

/** Whether a row may be shown as a worked example. */
type MayShow = (row: Row) => boolean;

/** The row's messages with `count` worked examples before its last question, all in one user message. */
export function fewShotMessages(row: Row, pool: RowList, count: number, seed: number, mayShow?: MayShow): Message[] {
  const examples = chooseExamples(row, pool, count, seed, mayShow);
  return withLastQuestion(row, (question) => fewShotText(examples, question));
}

/** The row's messages with the request to verify, in the row's language where there is one for it, else in English. */
export function reflectionMessages(row: Row): Message[] {
  return withLastQuestion(row, (question) => reflectionText(question, row.language));
}

/**
 * Worked examples for a row: other questions of its language, with their gold completions, a function of seed and row.
 *
 * @param pool training rows; held-out rows must not be in it
 * @throws UserError if there are not enough rows with completions
 */
export function chooseExamples(
  row: Row,
  pool: RowList,
  count: number,
  seed: number,
  mayShow: MayShow = () => true,
): WorkedExample[] {
  const question = lastQuestion(row);
  const seen = new Set([question]);
  const examples: WorkedExample[] = [];
  for (const other of randomWalk(pool, seed, row)) {
    if (examples.length === count) break;
    const prompt = lastQuestion(other);
    if (other.language !== row.language || other.completion === undefined || seen.has(prompt)) continue;
    if (!mayShow(other)) continue;
    seen.add(prompt);
    examples.push({ prompt, completion: other.completion });
  }
  if (examples.length < count) {
    throw new UserError(
      `few-shot prompts of dataset ${row.dataset}: found ${examples.length} training rows with a completion` +
        `${row.language === undefined ? '' : ` in language ${row.language}`}, expected at least ${count}`,
    );
  }
  return examples;
}

/** Random rows first, which nearly always suffice; then all of them, so that a small pool is searched to its end. */
function* randomWalk(pool: RowList, seed: number, row: Row): Generator<Row> {
  const key = randomKey(seed, 'few-shot', row.dataset, row.id);
  const first = key[0] % Math.max(1, pool.length);
  const window = Array.from({ length: Math.min(64, pool.length) }, (_, i) => (first + i * 7919) % pool.length);
  for (const place of shuffled(window, key)) yield pool.at(place) as Row;
  yield* pool;
}

function withLastQuestion(row: Row, change: (question: string) => string): Message[] {
  const last = lastQuestionIndex(row);
  return row.messages.map((message, index) =>
    index === last ? { ...message, content: change(message.content) } : message,
  );
}

function lastQuestion(row: Row): string {
  return row.messages[lastQuestionIndex(row)]?.content ?? '';
}

function lastQuestionIndex(row: Row): number {
  return row.messages.findLastIndex(({ role }) => role === 'user');
}
