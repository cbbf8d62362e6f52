import type { Grade } from './grade-rows.ts';

const nouns: Record<Grade['kind'], string> = {
  number: 'number',
  math: 'mathematical answer',
  quantity: 'quantity',
  choice: 'label of an option',
  logic: 'formula of logic',
  exact: 'text',
  list: 'list',
  graded: 'text',
  pattern: 'text',
  code: 'program',
  jsonSchema: 'JSON',
  toolCall: 'call of a tool',
  cited: 'answer with its documents',
};

/** What was found in a completion and how it compares: `found 17 in "…so it is 17.", gold 18`. */
export function gradeReason({
  kind,
  in: place,
  completion,
  found,
  value,
  gold,
  problem,
}: Pick<Grade, 'kind' | 'in' | 'completion' | 'found' | 'value' | 'gold' | 'problem'>): string {
  if (problem !== undefined) return problem;
  const whole = quoted(completion.trim(), 'end');
  const isGold = `gold ${shortened((gold ?? '').replaceAll(/\s+/g, ' '))}`;
  if (found === undefined) {
    const what = place === 'answerTag' ? 'one <answer> block behind the thought' : `a ${nouns[kind]}`;
    return `found nothing, expected ${what} in ${whole}; ${isGold}`;
  }
  if (value === undefined) return `found ${quoted(found)}, which is no ${nouns[kind]}; ${isGold}`;
  const read = value === found ? '' : ` (${shortened(value)})`;
  return `found ${quoted(found)}${read}${found === completion.trim() ? '' : ` in ${whole}`}; ${isGold}`;
}

const longest = 48;

/** In quotation marks, on one line, with back-slashes as they are; of a long text the beginning, or the end, where answers stand. */
export function quoted(text: string, kept: 'start' | 'end' = 'start'): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return `"${kept === 'start' || line.length <= longest ? shortened(line) : `…${line.slice(-longest)}`}"`;
}

function shortened(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}
