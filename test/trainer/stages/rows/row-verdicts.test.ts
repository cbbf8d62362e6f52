import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { UserError } from '../../../../trainer/contract/process/errors.ts';
import type { Encoder } from '../../../../trainer/stages/policy/encoding.ts';
import { judgeDocument, judgePair, judgePrompt } from '../../../../trainer/stages/rows/row-verdicts.ts';
import { writeByteTokenizer } from '../../../../trainer/tokenizers/byte-tokenizer.ts';
import { loadTokenizer } from '../../../../trainer/tokenizers/tokenizer.ts';

let directory: string;
let model: Encoder;
beforeAll(async () => {
  directory = await mkdtemp(`${tmpdir()}/r1-verdicts-`);
  await writeByteTokenizer(directory);
  model = { tokenizer: await loadTokenizer(directory), config: { maxLength: 20 } };
});
afterAll(() => rm(directory, { recursive: true }));

/** A prompt of as many tokens, of which two are those of the roles; a byte is a token. */
const prompt = (tokens: number): Row['messages'] => [{ role: 'user', content: 'x'.repeat(tokens - 2) }];

const row = (more: Partial<Row>): Row => ({
  id: 'a/1',
  dataset: 'a',
  domain: 'general',
  messages: prompt(10),
  ...more,
});

test.each([
  { tokens: 12, verdict: { kind: 'used' } },
  {
    tokens: 13,
    verdict: { kind: 'dropped', reason: 'overlong', found: 'its prompt has 13 tokens; maxPromptTokens is 12' },
  },
  {
    tokens: 13,
    overlong: 'refuse' as const,
    verdict: { kind: 'fault', found: 'its prompt has 13 tokens; maxPromptTokens is 12' },
  },
  { tokens: 19, maxPromptTokens: 512, verdict: { kind: 'used' } },
  {
    tokens: 20,
    maxPromptTokens: 512,
    verdict: { kind: 'dropped', reason: 'no_room', found: "its prompt has 20 tokens; the model's context holds 20" },
  },
])('a prompt of $tokens tokens: $verdict', ({ tokens, maxPromptTokens = 12, overlong = 'drop' as const, verdict }) => {
  expect(judgePrompt(model, { messages: prompt(tokens) }, { maxPromptTokens, overlong })).toEqual(verdict);
});

test('a row without prompt is a fault where prompts are answered', () => {
  const limits = { maxPromptTokens: 12, overlong: 'drop' } as const;
  expect(judgePrompt(model, { messages: [] }, limits)).toEqual({
    kind: 'fault',
    found: 'it has no prompt; expected one to answer',
  });
});

/** The model with a chat template that throws. */
function refusing(error: Error): Encoder {
  const renderChat = (): never => {
    throw error;
  };
  return { ...model, tokenizer: { ...model.tokenizer, renderChat } };
}

test('what template or tokenizer refuse is a fault with their words; a bug of ours is none', () => {
  const limits = { maxPromptTokens: 12, overlong: 'drop' } as const;
  const says = 'its chat template refuses messages of the roles system, user';
  expect(judgePrompt(refusing(new UserError(says)), { messages: prompt(5) }, limits)).toEqual({
    kind: 'fault',
    found: says,
  });
  expect(() => judgePrompt(refusing(new TypeError('a bug')), { messages: prompt(5) }, limits)).toThrow(TypeError);
});

// Ten tokens of the prompt, those of the completion, and the stop token.
test.each([
  { completion: 4, maxLength: 15, overlong: 'drop', kind: 'used' },
  { completion: 5, maxLength: 15, overlong: 'drop', kind: 'dropped', says: 'it has 16 tokens; maxLength is 15' },
  { completion: 5, maxLength: 15, overlong: 'refuse', kind: 'fault', says: 'it has 16 tokens; maxLength is 15' },
  { completion: 5, maxLength: 15, overlong: 'cut', kind: 'cut' },
  { completion: 9, maxLength: 1024, overlong: 'drop', kind: 'used' },
  {
    completion: 10,
    maxLength: 1024,
    overlong: 'drop',
    kind: 'dropped',
    says: "it has 21 tokens; the model's context holds 20",
  },
  { completion: undefined, maxLength: 15, overlong: 'drop', kind: 'fault', says: 'it has no completion' },
  { completion: 5, maxLength: 10, overlong: 'cut', kind: 'dropped', says: 'it has no token to learn' },
] as const)(
  'a completion of $completion tokens, maxLength $maxLength, overlong $overlong: $kind',
  ({ completion, maxLength, overlong, kind, says }) => {
    const given = row(completion === undefined ? {} : { completion: 'y'.repeat(completion) });
    const verdict = judgeDocument(model, given, { maxLength, overlong, trained: 'last' });
    expect(verdict.kind).toBe(kind);
    if (says !== undefined) expect(verdict).toMatchObject({ found: expect.stringContaining(says) });
  },
);

test.each([
  { name: 'different answers', chosen: 'yes', rejected: 'no', verdict: { kind: 'used' } },
  {
    name: 'equal answers',
    chosen: 'yes',
    rejected: 'yes',
    verdict: { kind: 'dropped', reason: 'equal_pair', found: 'chosen and rejected have the same tokens' },
  },
  {
    name: 'answers that the tokenizer makes equal',
    chosen: 'u\u0308',
    rejected: '\u00fc',
    verdict: { kind: 'dropped', reason: 'equal_pair', found: 'chosen and rejected have the same tokens' },
  },
  {
    name: 'answers that differ only behind the longest row',
    chosen: 'yyyyyyyyyy',
    rejected: 'yyyyyyyyyn',
    verdict: { kind: 'dropped', reason: 'overlong', found: "it has 21 tokens; the model's context holds 20" },
  },
  {
    name: 'no rejected answer',
    chosen: 'yes',
    rejected: undefined,
    verdict: { kind: 'fault', found: 'it has no pair; expected both chosen and rejected for a reward model' },
  },
])('a pair of $name: $verdict.kind', ({ chosen, rejected, verdict }) => {
  const given = row({ chosen, ...(rejected !== undefined && { rejected }) });
  expect(
    judgePair(model, given, { maxLength: 1024, overlong: 'drop', reading: { scope: 'summary', rendered: false } }),
  ).toEqual(verdict);
});
