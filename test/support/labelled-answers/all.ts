import { labelledRows, type LabelledRow } from './labelled-answers.ts';
import { mathAnswers } from './math.ts';
import { quantityAnswers } from './quantity.ts';

/** Labelled rows by kind. */
export const labelledAnswers = {
  math: labelledRows('math', mathAnswers),
  quantity: labelledRows('quantity', quantityAnswers),
} satisfies Record<string, readonly LabelledRow[]>;
