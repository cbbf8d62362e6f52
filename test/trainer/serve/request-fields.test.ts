import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { fieldsThatAskForNothing, parseRequest, samplingFields } from '../../../trainer/serve/request-fields.ts';

const schema = z.strictObject({ ...samplingFields, ...fieldsThatAskForNothing });

test.each([
  { presence_penalty: 0, frequency_penalty: 0, logit_bias: {} },
  { repetition_penalty: 1, min_p: 0, ignore_eos: false, skip_special_tokens: true },
  { length_penalty: 1, min_tokens: 0, stop_token_ids: [], include_stop_str_in_output: false },
  { stream_options: { include_usage: true, continuous_usage_stats: false } },
])('fields that ask for nothing are taken: %j', (body) => {
  expect(() => parseRequest(schema, body)).not.toThrow();
});

test.each([
  [{ presence_penalty: 0.5 }, 'presence_penalty: penalties are not supported; expected 0; found 0.5'],
  [{ repetition_penalty: 1.1 }, 'repetition_penalty: penalties are not supported; expected 1; found 1.1'],
  [{ min_p: 0.05 }, 'min_p: min-p sampling is not supported; expected 0; found 0.05'],
  [{ ignore_eos: true }, 'ignore_eos: the stop token ends a completion; expected false; found true'],
  [{ min_tokens: 5 }, 'min_tokens: the stop token ends a completion; expected 0; found 5'],
  [{ stop_token_ids: [2] }, 'stop_token_ids: stop takes texts; expected []; found [2]'],
  [{ guided_json: {} }, 'guided_json: no such field is known here'],
])('what is not done is refused: %j', (body, says) => {
  expect(() => parseRequest(schema, body)).toThrow(says);
});

test.each([
  [-1, 0],
  [0, 0],
  [20, 20],
])('top_k %d samples from %d tokens, where 0 is all', (given, meant) => {
  expect(parseRequest(schema, { top_k: given }).top_k).toBe(meant);
});
