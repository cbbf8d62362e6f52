import { randomKey } from '../../algorithms/random.ts';
import {
  generatorLanguages,
  type GeneratorLanguage,
  type GeneratorSettings,
  type Row,
} from '../../contract/settings/dataset.ts';
import { drawsOf, type Draws } from '../order/draws.ts';
import { fewShotText, reflectionText, type WorkedExample } from '../prompts.ts';
import {
  additionPrompts,
  additionPromptText,
  additionSteps,
  spelledSum,
  workedAddition,
  writeCheck,
  writeSteps,
  type AdditionPrompt,
} from './addition.ts';
import { answerText, completionText } from './completion.ts';
import { facts } from './facts-table.ts';
import { factPrompts, factThought, type FactPrompt } from './facts.ts';
import { greetingAnswer, greetingPrompts } from './greetings.ts';
import type { Side } from './side.ts';

/** Shares of the mixture that its settings leave open. */
const shares = {
  addition: 0.7,
  facts: 0.15,
  /** Rows that show worked examples first, so that a few-shot prompt means something to the base model. */
  fewShot: 0.06,
  /** Additions that are asked to verify, and do; and those that do so unasked. */
  reflection: 0.1,
  spontaneousCheck: 0.03,
} as const;

type Document = Pick<Row, 'domain' | 'language'> & { prompt: string; completion: string };

/** Documents for pre-training: questions of every task with more or less good completions. */
export function* mixtureRows(dataset: string, settings: GeneratorSettings, seed: number, side: Side): Generator<Row> {
  const key = randomKey(seed, 'mixture', side);
  const additions = additionPrompts(settings, seed, side, Infinity);
  const questions = factPrompts(settings, seed, side, Infinity);
  const greetings = greetingPrompts(settings, seed, side, Infinity);

  const rows = side === 'train' ? settings.rows : settings.heldOut;
  for (let number = 1; number <= rows; number++) {
    const draws = drawsOf(key, number);
    const tagged = draws.chance(settings.tagged);
    const task = draws.integer(1000) / 1000;
    let document: Document;
    if (task < shares.addition) {
      document = additionDocument(next(additions), additions, settings, tagged, draws);
    } else if (task < shares.addition + shares.facts) {
      document = factDocument(next(questions), questions, settings, tagged, draws);
    } else {
      const prompt = next(greetings);
      const style = draws.chance(settings.preferred) ? 'preferred' : 'plain';
      const completion = answerText(greetingAnswer(prompt, style, draws), tagged);
      document = { domain: 'general', language: prompt.language, prompt: prompt.text, completion };
    }
    const { prompt, completion, ...rest } = document;
    yield {
      id: `${dataset}/${side}/${number}`,
      dataset,
      ...rest,
      messages: [{ role: 'user', content: prompt }],
      completion,
    };
  }
}

function additionDocument(
  prompt: AdditionPrompt,
  others: Generator<AdditionPrompt>,
  settings: GeneratorSettings,
  tagged: boolean,
  draws: Draws,
): Document {
  const { a, b, language } = prompt;
  const mixed = draws.chance(settings.languageMixing);
  const wordLanguage = (): GeneratorLanguage => (mixed ? draws.pick(generatorLanguages) : language);
  const noise = draws.chance(settings.noise) ? draws.pick(['step', 'step', 'answer'] as const) : undefined;

  const steps = additionSteps(a, b);
  if (noise === 'step') {
    const wrong = draws.integer(steps.length);
    steps[wrong] = { ...steps[wrong]!, sum: wrongDigit(steps[wrong]!.sum, 0, draws) };
  }
  const spelled = spelledSum(steps);
  const answer = noise === 'answer' ? wrongDigit(spelled, draws.integer(String(spelled).length), draws) : spelled;

  const reflection = draws.chance(shares.reflection);
  const checked = reflection || draws.chance(shares.spontaneousCheck);
  const thought = writeSteps(steps, wordLanguage) + (checked ? ` ${writeCheck(answer, a, b, wordLanguage())}` : '');
  const question = reflection ? reflectionText(additionPromptText(prompt), language) : additionPromptText(prompt);
  const examples = workedExamples(others, 2, language, draws, (other) => ({
    prompt: additionPromptText(other),
    completion: completionText(workedAddition(other.a, other.b, language), String(other.a + other.b), tagged),
  }));
  const completion = completionText(thought, String(answer), tagged);
  return { domain: 'reasoning', language, prompt: fewShotText(examples, question), completion };
}

function factDocument(
  prompt: FactPrompt,
  others: Generator<FactPrompt>,
  settings: GeneratorSettings,
  tagged: boolean,
  draws: Draws,
): Document {
  const { fact, language, text } = prompt;
  const thoughtLanguage = draws.chance(settings.languageMixing) ? draws.pick(generatorLanguages) : language;
  const thought = factThought(facts[thoughtLanguage][facts[language].indexOf(fact)]!);
  const items = [...fact.items];
  if (draws.chance(settings.noise)) items[draws.integer(items.length)] = draws.pick(draws.pick(facts[language]).items);
  const examples = workedExamples(others, 1, language, draws, (other) => ({
    prompt: other.text,
    completion: completionText(factThought(other.fact), other.fact.items.join(', '), tagged),
  }));
  const completion = completionText(thought, items.join(', '), tagged);
  return { domain: 'reasoning', language, prompt: fewShotText(examples, text), completion };
}

/** For a few rows one to `most` worked examples in the row's language, for the others none. */
function workedExamples<T extends { language: GeneratorLanguage }>(
  prompts: Generator<T>,
  most: number,
  language: GeneratorLanguage,
  draws: Draws,
  write: (prompt: T) => WorkedExample,
): WorkedExample[] {
  if (!draws.chance(shares.fewShot)) return [];
  const examples: WorkedExample[] = [];
  for (let left = 1 + draws.integer(most); left > 0;) {
    const other = next(prompts);
    if (other.language !== language) continue;
    examples.push(write(other));
    left--;
  }
  return examples;
}

/** The number with its digit at `place` (0: ones) replaced by a different one. */
function wrongDigit(number: number, place: number, draws: Draws): number {
  const unit = 10 ** place;
  const digit = Math.floor(number / unit) % 10;
  return number + (((digit + 1 + draws.integer(9)) % 10) - digit) * unit;
}

function next<T>(prompts: Generator<T>): T {
  const { value, done } = prompts.next();
  if (done === true) throw new Error('an endless generator of prompts ended');
  return value;
}
