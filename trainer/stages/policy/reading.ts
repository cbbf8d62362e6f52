import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readManifest } from '../../checkpoint/manifest.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import { provenanceName } from '../../contract/files/provenance.ts';
import { type RewardModelSettings, rewardScope } from '../../contract/settings/settings.ts';
import { type Scope, withinScope } from '../../rewards/responses/scope.ts';
import { encodeExchange, type Encoder } from './encoding.ts';

/** How a reward model reads a response. */
export interface Reading {
  readonly scope: Scope;
  /** The chat template writes the whole exchange, as it does for who uses a model from elsewhere; a model trained here reads what a policy samples. */
  readonly rendered: boolean;
}

/** How the reward model of a stage reads. */
export function readingOf(settings: Pick<RewardModelSettings, 'scope' | 'labelled' | 'epochs'>): Reading {
  return { scope: rewardScope(settings), rendered: settings.epochs === 0 };
}

/** As much of a reward model's settings as says what it reads. */
const told = z.looseObject({
  settings: z.looseObject({
    rewardModel: z.looseObject({
      scope: z.enum(['summary', 'response']).optional(),
      labelled: z.array(z.string()).optional(),
    }),
  }),
});

/** How a reward model has learned to read, by what its checkpoint says; the summary where that is nothing. */
export async function readingOfCheckpoint(directory: string): Promise<Reading> {
  const { manifest } = await readManifest(directory);
  const { data } = told.safeParse(JSON.parse(await readFile(join(directory, provenanceName), 'utf8')));
  return readingOf({ ...data?.settings.rewardModel, epochs: manifest.length ?? 1 });
}

/** Token ids of a row's prompt with a response to it, as a reward model reads them. */
export function encodeRead(
  model: Encoder,
  row: Pick<Row, 'messages' | 'tools' | 'toolCalls'>,
  response: { readonly text: string; readonly opening?: string | undefined },
  { scope, rendered }: Reading,
): number[] {
  const completion = withinScope(scope, response.text, response.opening);
  if (!rendered) {
    const { promptIds, completionIds } = encodeExchange(model, { ...row, completion });
    return [...promptIds, ...completionIds];
  }
  const { messages, tools, toolCalls } = row;
  const turn = { role: 'assistant' as const, content: completion, ...(toolCalls && { tool_calls: toolCalls }) };
  const { tokenizer } = model;
  return withoutPadding(
    tokenizer.encode(tokenizer.renderChat([...messages, turn], { tools, closed: true })),
    tokenizer,
  );
}

/** transformers scores at the last token that is no padding, also where a turn ends with what pads. */
function withoutPadding(ids: readonly number[], { padId }: Encoder['tokenizer']): number[] {
  const end = ids.findLastIndex((id) => id !== padId);
  return ids.slice(0, end + 1);
}
