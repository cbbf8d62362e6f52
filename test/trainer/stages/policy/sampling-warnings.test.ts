import { expect, test } from '@jest/globals';
import { sample } from '../../../../trainer/contract/settings/settings.ts';
import { warnOfQuotas } from '../../../../trainer/stages/policy/sampling-warnings.ts';
import { Warnings } from '../../../../trainer/stages/workspace/warnings.ts';

const pairs = { judge: { from: 'base' } };

test.each([
  { quotas: { reasoning: 6, general: 2 }, kept: { reasoning: 6, general: 2 } },
  { quotas: undefined, kept: { reasoning: 0, general: 0 } },
  { quotas: { general: 2 }, kept: { reasoning: 0, general: 2 } },
  { quotas: { reasoning: 6 }, kept: { reasoning: 5, general: 0 }, found: 'kept 5 of 6 rows of the domain reasoning:' },
  {
    quotas: { reasoning: 6, general: 2 },
    kept: { reasoning: 5, general: 0 },
    found: 'kept 5 of 6 rows of the domain reasoning and 0 of 2 rows of the domain general:',
  },
  { quotas: { general: 3 }, kept: { reasoning: 0, general: 6 }, pairs },
  {
    quotas: { general: 4 },
    kept: { reasoning: 0, general: 6 },
    pairs,
    found: 'kept 3 of 4 rows of the domain general:',
  },
])('of quotas $quotas with $kept kept, people hear: $found', ({ quotas, kept, pairs: judged, found }) => {
  const warnings = new Warnings();
  const settings = sample.parse({ prompts: ['sums'], quotas, pairs: judged });
  warnOfQuotas(settings, { 'kept/reasoning': kept.reasoning, 'kept/general': kept.general }, warnings);
  expect(warnings.all).toEqual(
    found === undefined ? [] : [{ reason: 'QuotaNotFilled', message: expect.stringContaining(found) }],
  );
});
