import {
  languages,
  ownKind,
  structuredKinds,
  type DatasetSettings,
  type Language,
  type Row,
} from '../contract/settings/dataset.ts';
import { BadLine, inWords } from './files/bad-line.ts';
import { fieldsOf, furtherColumns } from './columns/columns.ts';
import { type Fields, isRecord, namesOf, textOf } from './columns/fields.ts';
import { beginningOf } from './columns/forms/forms.ts';
import { labelOf, marginOf, pairOf, withCompletion } from './columns/forms/responses.ts';
import { toolsOf } from './columns/forms/tools.ts';
import { LackingColumn } from './columns/lacking-column.ts';
import { withSystem } from './system-message.ts';

/**
 * A row of a person's file, in any form of docs/reference/datasets.md.
 *
 * @param value one line, parsed
 * @param further with all columns, for functions of one's own
 * @throws BadLine
 */
export function rowOf(value: unknown, settings: DatasetSettings, id: string, further = false): Row {
  const fields = fieldsOf(value, settings.columns);
  const { messages, completion } = withCompletion(beginningOf(fields), fields);
  const tools = toolsOf(fields['tools']);
  const language = languageOf(fields);
  const answer = answerOf(fields, settings, value as Fields);
  const pair = pairOf(fields, messages);
  const margin = pair.chosen === undefined ? undefined : marginOf(fields);
  const label = completion && labelOf(fields);
  const row: Row = {
    id,
    dataset: settings.name,
    domain: settings.domain ?? 'reasoning',
    ...(language && { language }),
    messages: [...messages],
    ...(tools.length > 0 && { tools }),
    ...(completion && { completion: completion.text }),
    ...(completion?.toolCalls && { toolCalls: [...completion.toolCalls] }),
    ...(answer !== undefined && { answer: { ...wayOf(settings), gold: answer } }),
    ...(label !== undefined && { label }),
    ...pair,
    ...(margin !== undefined && { margin }),
    ...(further && { columns: furtherColumns(value as object) }),
  };
  return withSystem(withSystem(row, textOf(fields, 'system')), settings.system);
}

/** How it is compared. */
function wayOf({ answer }: DatasetSettings): Pick<NonNullable<Row['answer']>, 'kind' | 'in'> {
  const { kind = 'number', in: place = 'answerTag', verifier } = answer ?? {};
  return { kind: verifier === undefined ? kind : ownKind, in: place };
}

/** @param written the row under the names that its file has for its fields */
function answerOf(fields: Fields, settings: DatasetSettings, written: Fields): string | undefined {
  const { answer } = fields;
  if (typeof answer === 'string' || typeof answer === 'number') return String(answer);
  const isStructured = structuredKinds.includes(settings.answer?.kind ?? 'number');
  if (isStructured && isRecord(answer)) return JSON.stringify(answer);
  if (answer !== undefined)
    throw new BadLine(
      `answer: found ${inWords(answer)}, expected text${isStructured ? ', an object' : ''} or a number`,
    );
  if (settings.answer?.verifier !== undefined) return ''; // columns may hold what it compares with
  if (settings.answer === undefined) return undefined;
  const given = Object.fromEntries(Object.entries(written).filter(([, content]) => content !== null));
  const message = `found no answer, which is to be verified; found ${namesOf(given)}`;
  throw new LackingColumn(message, 'answer', fields);
}

function languageOf({ language }: Fields): Language | undefined {
  if (language === undefined) return undefined;
  const known = languages.find((name) => name === language);
  if (known !== undefined) return known;
  throw new BadLine(`language: found ${inWords(language)}, expected one of ${languages.join(', ')}`);
}
