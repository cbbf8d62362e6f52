import type { Candidate } from '../../algorithms/funnel.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import type { SampleSettings } from '../../contract/settings/settings.ts';
import type { EvaluationGrams } from '../../data/evaluation-grams.ts';
import { examine, type Response } from '../../rewards/examine.ts';
import type { Verify } from '../../rewards/modules/own-verifiers.ts';
import { parseResponse } from '../../rewards/parse-response.ts';
import type { EarlierTurns, Sampled } from './sampler.ts';

/** One of a prompt's samples, by its place among them. */
export interface SampleCandidate extends Candidate {
  readonly sample: number;
  /** The turns before its text. */
  readonly before?: EarlierTurns;
}

/** What completions are examined with. */
export interface Examiner {
  readonly settings: Pick<SampleSettings, 'minLanguageConsistency'>;
  readonly verify: Verify;
  readonly grams: EvaluationGrams | undefined;
}

/** A prompt's completions, as the funnel asks for them. */
export async function candidatesOf(
  row: Row,
  { method, completions }: Sampled,
  examiner: Examiner,
): Promise<SampleCandidate[]> {
  const candidates: SampleCandidate[] = [];
  for (const [sample, completion] of completions.entries()) {
    // oxlint-disable-next-line no-await-in-loop -- a verifier of one's own is asked in order
    const candidate = await (method === 'thought'
      ? thoughtBefore(row, completion, examiner)
      : judged(row, completion, examiner));
    const { before } = completion;
    candidates.push({ ...candidate, sample, ...(before && { before }) });
  }
  return candidates;
}

async function judged(row: Row, completion: Response, { settings, verify, grams }: Examiner): Promise<Candidate> {
  const candidate = await examine(row, completion, settings.minLanguageConsistency, verify);
  return grams?.findIn(candidate.text) === undefined ? candidate : { ...candidate, fault: 'contaminated' };
}

/** The row's own completion behind the thought of a sampled one, which must have come to the right answer itself. */
async function thoughtBefore(row: Row, sampled: Response, examiner: Examiner): Promise<Candidate> {
  const own = await judged(row, sampled, examiner);
  const { form, think = '' } = parseResponse(sampled.text, sampled.opening);
  if (!form.startsWith('thought') || own.fault) return { ...own, fault: own.fault ?? 'noThought' };
  const text = `<think>${think}</think>${row.completion?.startsWith('<answer>') ? '' : '\n\n'}${row.completion}`;
  const candidate = await judged(row, { ...sampled, text, opening: '' }, examiner);
  const correct = own.passes.correct === true ? candidate.passes.correct : own.passes.correct;
  return { ...candidate, passes: { ...candidate.passes, correct } };
}
