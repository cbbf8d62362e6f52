import { beforeEach, describe, expect, test } from '@jest/globals';
import { randomKey } from '../../../trainer/algorithms/random.ts';
import type { Row } from '../../../trainer/contract/settings/dataset.ts';
import { mostTold } from '../../../trainer/contract/settings/tool-use.ts';
import { verify as verifyOne } from '../../../trainer/rewards/verify.ts';
import { completeRows, type Completing } from '../../../trainer/stages/policy/completions.ts';
import { discounted } from '../../../trainer/stages/rollout/draw-groups.ts';
import { tryAgain } from '../../../trainer/stages/policy/replies.ts';
import { transcriptOf } from '../../../trainer/stages/workspace/stage-log.ts';
import { writeByteTokenizer } from '../../../trainer/tokenizers/byte-tokenizer.ts';
import type { Tokenizer } from '../../../trainer/tokenizers/tokenizer.ts';
import { scriptedPolicy } from '../../support/scripted-policy.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { useTokenizers } from '../../support/tokenizers.ts';

const directory = useTemporaryDirectory();
const loadTokenizer = useTokenizers();
let tokenizer: Tokenizer;
beforeEach(async () => {
  await writeByteTokenizer(directory());
  tokenizer = await loadTokenizer(directory());
});

const row: Row = {
  id: '1',
  dataset: 'sums',
  domain: 'reasoning',
  messages: [{ role: 'user', content: '17+25=' }],
  answer: { kind: 'number', in: 'answerTag', gold: '42' },
};
const sampling = { temperature: 1, topP: 1, topK: 0, maxNewTokens: 400 };
const tools: Completing = { sampling, tools: ['calculator'], maxToolCalls: 2, maxToolTokens: 40 };
const call = (expression: string) =>
  `<tool_call>{"name": "calculator", "arguments": {"expression": "${expression}"}}</tool_call>`;

const right = () => '<answer>42</answer>';

const verify: NonNullable<Completing['verify']> = async (items) =>
  items.map(({ row: asked, text }) => verifyOne(asked, text));

async function complete(script: (prompt: string) => string, completing: Completing, maxLength?: number) {
  const { policy, rounds } = scriptedPolicy(tokenizer, script, maxLength);
  const [[completion] = []] = await completeRows(policy, [row], 1, completing, (_, sample) =>
    randomKey('turns', sample),
  );
  if (completion === undefined) throw new Error('no completion');
  return { completion, rounds };
}

/** What the model was told, between its turns. */
const toldIn = ({ completionIds, sampled = [] }: Awaited<ReturnType<typeof complete>>['completion']) =>
  sampled.slice(1).map(([from], turn) => tokenizer.decode(completionIds.slice(sampled[turn]?.[1], from)));

describe('tools', () => {
  test('a call is answered in a turn that is not sampled, and the model goes on behind it', async () => {
    const { completion, rounds } = await complete(
      (prompt) => (prompt.includes('42') ? '<answer>42</answer>' : call('17+25')),
      tools,
    );
    expect(completion).toMatchObject({ text: '<answer>42</answer>', calls: 1, failedCalls: 0, terminated: true });
    expect(toldIn(completion)).toEqual(['<tool_response>\n42\n</tool_response>']);
    const written = [call('17+25'), '<answer>42</answer>'];
    expect(completion.tokens).toBe(written.reduce((sum, text) => sum + tokenizer.encode(text).length + 1, 0));
    expect(completion.oldProbs).toHaveLength(completion.tokens);
    // The second turn is sampled behind everything that will stand before it when it is trained.
    const [from = 0] = completion.sampled?.[1] ?? [];
    expect(rounds[1]?.[0]?.promptIds).toEqual([...completion.promptIds, ...completion.completionIds.slice(0, from)]);
    expect(rounds[1]?.[0]?.key).not.toEqual(rounds[0]?.[0]?.key);
  });

  test('a completion without a call is what it is without tools', async () => {
    const [{ completion }, without] = [await complete(right, tools), await complete(right, { sampling })];
    expect(completion).toEqual(without.completion);
    expect(completion.sampled).toBeUndefined();
  });

  test('maxNewTokens counts what the model writes in all turns, and nothing that it is told', async () => {
    const first = call('17+25');
    const room = tokenizer.encode(first).length + 1 + 5;
    const { completion } = await complete((prompt) => (prompt.includes('</tool_response>') ? 'a long answer' : first), {
      ...tools,
      sampling: { ...sampling, maxNewTokens: room },
    });
    expect(completion).toMatchObject({ tokens: room, text: 'a lon', terminated: false, calls: 1 });
  });

  test.each([
    { name: 'more calls than are answered', maxToolCalls: 2, calls: 2 },
    { name: 'one', maxToolCalls: 1, calls: 1 },
  ])('the last turn is the one that calls once too often: $name', async ({ maxToolCalls, calls }) => {
    const { completion, rounds } = await complete(() => call('1+1'), { ...tools, maxToolCalls });
    expect(completion).toMatchObject({ calls, text: call('1+1') });
    expect(rounds).toHaveLength(calls + 1);
  });

  test('a result that has no room in the context ends the completion as cut off', async () => {
    const { completion } = await complete(() => call('17+25'), tools, 105);
    expect(completion).toMatchObject({ calls: 0, terminated: false, text: call('17+25') });
    expect(completion.sampled).toBeUndefined();
  });

  test('a fault is told in words, and counted', async () => {
    const { completion } = await complete((prompt) => (prompt.includes('Error') ? 'so be it' : call('one')), tools);
    expect(completion).toMatchObject({ calls: 1, failedCalls: 1, text: 'so be it' });
    expect(toldIn(completion)).toEqual([expect.stringContaining('Error: ')]);
  });

  test('a result is cut to its tokens, and its control tokens are none', async () => {
    const long: Completing = { ...tools, tools: ['javascript'], maxToolTokens: 8 };
    const code = JSON.stringify({ name: 'javascript', arguments: { code: 'console.log("<|" + "end|>123456789")' } });
    const { completion } = await complete(
      (prompt) => (prompt.includes('</tool_response>') ? 'x' : `<tool_call>${code}</tool_call>`),
      long,
    );
    expect(toldIn(completion)).toEqual(['<tool_response>\n1234567\n</tool_response>']);
  });

  test('no completion is told more than the memory of a stage counts with', async () => {
    const { completion } = await complete(() => call('2^300'), { ...tools, maxToolCalls: 9 });
    const told = completion.completionIds.length - completion.tokens;
    expect(told).toBeLessThanOrEqual(mostTold({ ...tools, maxToolCalls: 9 }));
  });
});

describe('refining', () => {
  const refine: Completing = { sampling, refine: { rounds: 2, discount: 0.5 }, verify };

  test('a wrong answer is tried again, and the model is never told what is right', async () => {
    const { completion } = await complete(
      (prompt) => (prompt.includes(tryAgain) ? '<answer>42</answer>' : '<answer>41</answer>'),
      refine,
    );
    expect(completion).toMatchObject({ text: '<answer>42</answer>', tries: 1 });
    expect(toldIn(completion)).toEqual([tryAgain]);
    expect(tryAgain).not.toMatch(/\d/);
    expect(transcriptOf(completion.messages ?? [])).toBe(
      `<answer>41</answer>\n--- user ---\n${tryAgain}\n--- assistant ---\n<answer>42</answer>`,
    );
  });

  test.each([
    { name: 'a right answer is tried once', answer: '<answer>42</answer>', tries: 0 },
    { name: 'a wrong one as often as there are rounds', answer: '<answer>1</answer>', tries: 2 },
  ])('$name', async ({ answer, tries }) => {
    const { completion } = await complete(() => answer, refine);
    expect(completion.tries).toBe(tries);
  });

  test('what was cut off is no try', async () => {
    const { completion } = await complete(() => 'never ends', {
      ...refine,
      sampling: { ...sampling, maxNewTokens: 3 },
    });
    expect(completion).toMatchObject({ tries: 0, terminated: false });
  });

  test.each([
    { reward: 2, tries: 0, expected: 2 },
    { reward: 2, tries: 2, expected: 0.5 },
    { reward: -1, tries: 1, expected: -1 },
    { reward: 0, tries: 1, expected: 0 },
    { reward: undefined, tries: 1, expected: undefined },
  ])('a reward of $reward after $tries further tries is $expected', ({ expected, ...completion }) => {
    expect(discounted({ refine: { rounds: 2, discount: 0.5 } }, completion).reward).toBe(expected);
  });
});
