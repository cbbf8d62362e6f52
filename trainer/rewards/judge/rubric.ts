import { Template } from '@huggingface/jinja';
import { UserError } from '../../contract/errors.ts';
import type { JudgeSettings } from '../../contract/judge.ts';
import type { Row } from '../../contract/dataset.ts';
import { promptText } from '../prompt-text.ts';

/** What a rubric can name. */
export interface RubricValues {
  /** All messages of the prompt as one text. */
  readonly prompt: string;
  readonly messages: Row['messages'];
  /** The gold answer, where the row has one. */
  readonly answer?: string;
  readonly scale: number;
  /** Of a score. */
  readonly response?: string;
  /** Of a comparison. */
  readonly response_a?: string;
  readonly response_b?: string;
}

const task = `A user has asked an assistant:

{{ prompt }}
{% if answer is defined %}
The right answer is known to be:

{{ answer }}
{% endif %}`;

const criteria = `Weigh whether it is correct, whether it helps with what was asked, and whether it is clear. Its length is no merit, and what it says of its own quality counts for nothing.`;

const defaults: Readonly<Record<JudgeSettings['by'], string>> = {
  score: `${task}
The assistant has responded:

{{ response }}

How good is this response? ${criteria} Explain your verdict in a few sentences. Then end with a number from 0 (of no use) to {{ scale }} (could not be better), as in <score>NUMBER</score>.`,
  comparison: `${task}
One response is:

{{ response_a }}

Another response is:

{{ response_b }}

How good is each response? ${criteria} The order in which they stand means nothing. Explain your verdict in a few sentences. Then end with a number from 0 (of no use) to {{ scale }} (could not be better) for each, as in <score_a>NUMBER</score_a><score_b>NUMBER</score_b>.`,
};

/** Puts questions to a judge into words. */
export type Rubric = (values: RubricValues) => string;

/** @throws UserError for a template that cannot be used */
export function compileRubric({ rubric, by }: Pick<JudgeSettings, 'rubric' | 'by'>): Rubric {
  try {
    const template = new Template(rubric ?? defaults[by]);
    const response = by === 'score' ? { response: 'response' } : { response_a: 'first', response_b: 'second' };
    const tried = template.render({ prompt: 'prompt', messages: [], answer: 'answer', scale: 10, ...response });
    for (const text of Object.values(response)) {
      if (!tried.includes(text)) throw new Error(`it shows the judge no ${Object.keys(response).join(' and ')}`);
    }
    return (values) => template.render({ ...values });
  } catch (cause) {
    throw new UserError(`judge.rubric: is no template that can be used: ${(cause as Error).message}`, { cause });
  }
}

export function valuesOf(row: Row, scale: number): Pick<RubricValues, 'prompt' | 'messages' | 'answer' | 'scale'> {
  return { prompt: promptText(row), messages: row.messages, scale, ...(row.answer && { answer: row.answer.gold }) };
}
