import type { Candidate } from '../../trainer/algorithms/funnel.ts';
import type { Row } from '../../trainer/contract/settings/dataset.ts';
import { examine, type Response } from '../../trainer/rewards/examine.ts';
import { OwnVerifiers } from '../../trainer/rewards/modules/own-verifiers.ts';

const { verify } = new OwnVerifiers([]);

/** What rejection sampling makes of one response to a row whose verifier is ours. */
export async function examineOne(row: Row, response: Response, minLanguageConsistency = 0.9): Promise<Candidate> {
  const [candidate] = await examine([{ row, response }], minLanguageConsistency, verify);
  return candidate as Candidate;
}
