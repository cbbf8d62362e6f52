import { labelledRows, type LabelledRow } from './labelled-answers.ts';
import { mathAnswers } from './math.ts';

/** Labelled rows by kind. */
export const labelledAnswers = {
  math: labelledRows('math', mathAnswers),
} satisfies Record<string, readonly LabelledRow[]>;
