import type { CodeTests } from './code/code-tests.ts';
import { gradeProgram } from './code/grade-program.ts';
import type { Program } from './verifiers/code.ts';
import type { Verdict } from './verifiers/verifier.ts';
import { examineAnswer, type Judged, type Judgement, judge, judgementOf } from './verify.ts';

/** `judge`, and of a program what it comes to, without holding up this thread. */
export async function judgeApart(row: Judged, text: string): Promise<Judgement> {
  const examined = row.answer?.kind === 'code' ? examineAnswer(row, text) : undefined;
  if (examined?.value === undefined) return judge(row, text);
  const verdict = await gradeProgram(examined.gold as CodeTests, examined.value as Program);
  return judgementOf({ ...examined, verdict });
}

/** `verify`, as `judgeApart` judges. */
export async function verifyApart(row: Judged, text: string): Promise<Verdict> {
  return (await judgeApart(row, text)).verdict;
}
