import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { randomKey } from '../../../trainer/algorithms/random.ts';
import type { Message } from '../../../trainer/contract/settings/dataset.ts';
import { predictedPlaces } from '../../../trainer/engine/sequences.ts';
import { completeRows } from '../../../trainer/stages/policy/completions.ts';
import { writeByteTokenizer } from '../../../trainer/tokenizers/byte-tokenizer.ts';
import { definitionsOf } from '../../../trainer/tools/tools.ts';
import { scriptedPolicy } from '../../support/scripted-policy.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { useTokenizers } from '../../support/tokenizers.ts';

// What transformers makes of whole conversations; made by test/fixtures/turns/make_golden.py, which also takes templates of models.
const fixture = process.env['R1_TURNS_GOLDEN'] ?? new URL('../../fixtures/turns/golden.json', import.meta.url);
const golden = JSON.parse(readFileSync(fixture, 'utf8')) as {
  readonly tools: object[];
  readonly cases: readonly {
    readonly name: string;
    readonly template: string;
    readonly messages: Message[];
    readonly ids: number[];
    readonly mask: number[] | null;
  }[];
};
const directory = useTemporaryDirectory();
const loadTokenizer = useTokenizers();

test('the tools are those that the golden conversations were made with', () => {
  expect(definitionsOf(['calculator'])).toEqual(golden.tools);
});

test.each(golden.cases)('tokens and mask of a conversation are those of its template: $name', async (known) => {
  await writeByteTokenizer(directory());
  const tokenizer = await loadTokenizer(directory(), { template: known.template });
  const [question, ...turns] = known.messages;
  const spoken = turns.filter(({ role }) => role === 'assistant').map(({ content }) => content);
  const { policy } = scriptedPolicy(tokenizer, () => spoken.shift() ?? '');
  const row = { id: '1', dataset: 'sums', domain: 'reasoning' as const, messages: question ? [question] : [] };
  const sampling = { temperature: 1, topP: 1, topK: 0, maxNewTokens: 2000 };
  const completing = { sampling, tools: ['calculator' as const], maxToolCalls: 4, maxToolTokens: 64 };
  const [[found] = []] = await completeRows(policy, [row], 1, completing, () => randomKey('golden'));
  if (found === undefined) throw new Error('no completion');

  const ids = [...found.promptIds, ...found.completionIds];
  expect(tokenizer.decode(ids)).toBe(tokenizer.decode(known.ids.slice(0, ids.length)));
  expect(ids).toEqual(known.ids.slice(0, ids.length));
  // Templates end the last turn with an end of line, which nobody samples.
  expect(tokenizer.decode(known.ids.slice(ids.length)).trim()).toBe('');
  const sampled = new Set(predictedPlaces(found).map((place) => found.promptIds.length + place));
  if (known.mask) expect(ids.map((_, place) => (sampled.has(place) ? 1 : 0))).toEqual(known.mask.slice(0, ids.length));
});
