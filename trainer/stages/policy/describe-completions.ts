import { goldProblem, spellGold } from '../../rewards/verify.ts';
import { judgeApart } from '../../rewards/apart/verify-apart.ts';
import type { SampledCompletion } from './completions.ts';
import { printable } from './printable.ts';
import { transcriptOf } from '../workspace/stage-log.ts';

/** The part of a completion that is shown. */
type Shown = Pick<SampledCompletion, 'row' | 'text' | 'messages'>;

/** The first completions of each dataset for people: prompt, response, what was read as the answer, and the gold answer. */
export async function describeCompletions(completions: readonly Shown[], perDataset: number): Promise<string> {
  const byDataset = Object.values(Object.groupBy(completions, ({ row }) => row.dataset));
  const shown = await Promise.all(byDataset.flatMap((all = []) => all.slice(0, perDataset).map(describe)));
  return shown.map((text) => printable(`${text}\n\n`)).join('');
}

async function describe({ row, text, messages }: Shown): Promise<string> {
  const { verdict, found, value } = await judgeApart(row, text);
  return [
    `--- ${row.dataset}, row ${row.id}: ${verdict.outcome === 'abstain' ? 'not judged' : verdict.outcome} ---`,
    ...row.messages.map(({ role, content }) => `${role}: ${content}`),
    `completion: ${messages ? transcriptOf(messages) : text}`,
    `read: ${found === undefined || found === '' ? 'nothing' : withReading(found, value)}`,
    `gold: ${row.answer === undefined ? 'none' : gold(row.answer)}`,
  ].join('\n');
}

function gold(answer: NonNullable<Shown['row']['answer']>): string {
  return goldProblem(answer) ?? withReading(answer.gold, spellGold(answer));
}

/** `18.00 (18)` */
function withReading(text: string, value: string | undefined): string {
  return value === undefined || value === text ? text : `${text} (${value})`;
}
