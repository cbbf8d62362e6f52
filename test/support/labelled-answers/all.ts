import { codeAnswers } from './code.ts';
import { choiceAnswers } from './choice.ts';
import { logicAnswers } from './logic.ts';
import { gradedAnswers } from './graded.ts';
import { jsonSchemaAnswers } from './json-schema.ts';
import { toolCallAnswers } from './tool-call.ts';
import { citedAnswers } from './cited.ts';
import { labelledRows, type LabelledRow } from './labelled-answers.ts';
import { mathAnswers } from './math.ts';
import { pythonCodeAnswers } from './python-code.ts';
import { quantityAnswers } from './quantity.ts';

/** Labelled rows by kind. */
export const labelledAnswers = {
  math: labelledRows('math', mathAnswers),
  quantity: labelledRows('quantity', quantityAnswers),
  choice: labelledRows('choice', choiceAnswers),
  logic: labelledRows('logic', logicAnswers),
  graded: labelledRows('graded', gradedAnswers),
  code: labelledRows('code', codeAnswers),
  'code in Python': labelledRows('code', pythonCodeAnswers),
  jsonSchema: labelledRows('jsonSchema', jsonSchemaAnswers),
  toolCall: labelledRows('toolCall', toolCallAnswers),
  cited: labelledRows('cited', citedAnswers),
} satisfies Record<string, readonly LabelledRow[]>;
