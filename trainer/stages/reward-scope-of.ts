import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { provenanceName } from '../contract/provenance.ts';
import { rewardScope } from '../contract/settings.ts';
import type { Scope } from '../rewards/scope.ts';

/** As much of a reward model's settings as says what it reads. */
const told = z.looseObject({
  settings: z.looseObject({
    rewardModel: z.looseObject({
      scope: z.enum(['summary', 'response']).optional(),
      labelled: z.array(z.string()).optional(),
    }),
  }),
});

/** What of a response a reward model has learned to read, by the settings that its checkpoint names; the summary where they say nothing. */
export async function rewardScopeOf(directory: string): Promise<Scope> {
  const { data } = told.safeParse(JSON.parse(await readFile(join(directory, provenanceName), 'utf8')));
  return data === undefined ? 'summary' : rewardScope(data.settings.rewardModel);
}
