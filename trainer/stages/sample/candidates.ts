import type { Candidate } from '../../algorithms/funnel.ts';
import { zip } from '../../algorithms/zip.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import type { SampleSettings } from '../../contract/settings/settings.ts';
import type { EvaluationGrams } from '../../data/origins/evaluation-grams.ts';
import { examine, type Answered, type Response } from '../../rewards/examine.ts';
import type { Verify } from '../../rewards/modules/own-verifiers.ts';
import { parseResponse } from '../../rewards/responses/parse-response.ts';
import type { EarlierTurns, Method, Sampled } from './sampler.ts';

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

interface Put extends Answered {
  readonly method: Method;
}

/** The completions of prompts, as the funnel asks for them. A verifier is asked of all of them at once, as a service takes many in a request. */
export async function candidatesOf(
  prompts: readonly (readonly [Row, Sampled])[],
  examiner: Examiner,
): Promise<SampleCandidate[][]> {
  const put = prompts.flatMap(([row, { method, completions }]) =>
    completions.map((response): Put => ({ row, method, response })),
  );
  const candidates = (await behindThoughts(put, await judged(put, examiner), examiner)).values();
  return prompts.map(([, { completions }]) =>
    completions.map(({ before }, sample) => ({
      ...(candidates.next().value as Candidate),
      sample,
      ...(before && { before }),
    })),
  );
}

async function judged(
  answered: readonly Answered[],
  { settings, verify, grams }: Examiner,
): Promise<readonly Candidate[]> {
  const candidates = await examine(answered, settings.minLanguageConsistency, verify);
  return candidates.map((candidate) =>
    grams?.findIn(candidate.text) === undefined ? candidate : { ...candidate, fault: 'contaminated' },
  );
}

/**
 * Where a thought alone was asked for, the row's own completion behind it; the sampled one must have come to the right answer itself.
 *
 * @param own what was found of each completion as it was sampled
 */
async function behindThoughts(
  put: readonly Put[],
  own: readonly Candidate[],
  examiner: Examiner,
): Promise<readonly Candidate[]> {
  const joined = zip(put, own).map(([each, { fault }]) => (fault === undefined ? behindThought(each) : undefined));
  const examined = (
    await judged(
      joined.filter((each) => each !== undefined),
      examiner,
    )
  ).values();
  return zip(zip(put, own), joined).map(([[{ method }, sampled], answered]) => {
    if (method !== 'thought') return sampled;
    if (answered === undefined) return { ...sampled, fault: sampled.fault ?? 'noThought' };
    const candidate = examined.next().value as Candidate;
    const correct = sampled.passes.correct === true ? candidate.passes.correct : sampled.passes.correct;
    return { ...candidate, passes: { ...candidate.passes, correct } };
  });
}

/** Nothing where no thought was asked for, or there is none. */
function behindThought({ row, method, response }: Put): Answered | undefined {
  if (method !== 'thought') return undefined;
  const { form, think = '' } = parseResponse(response.text, response.opening);
  if (!form.startsWith('thought')) return undefined;
  const text = `<think>${think}</think>${row.completion?.startsWith('<answer>') ? '' : '\n\n'}${row.completion}`;
  return { row, response: { ...response, text, opening: '' } satisfies Response };
}
