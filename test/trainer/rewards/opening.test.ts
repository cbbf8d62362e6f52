import { expect, test } from '@jest/globals';
import { continuationOf, openingOf } from '../../../trainer/rewards/opening.ts';

test.each([
  { prompt: '<|user|>2+2?<|assistant|><think>\n', opening: '<think>\n' },
  { prompt: '<|user|>2+2?<|assistant|><think>', opening: '<think>' },
  { prompt: '<|im_start|>assistant\n<think>\n\n</think>\n\n', opening: '<think>\n\n</think>\n\n' },
  { prompt: '<|user|>2+2?<|assistant|>', opening: '' },
  { prompt: '<|system|>Think inside <think> tags.<|user|>2+2?<|assistant|>', opening: '' },
  { prompt: '<|user|>1+1?<think>2</think><answer>2</answer>\n2+2?<|assistant|>', opening: '' },
  { prompt: '<|assistant|><think>\nOkay, so', prefill: '<think>\nOkay, so', opening: '<think>\nOkay, so' },
  { prompt: '<|assistant|><think>\nOkay, so', prefill: 'Okay, so', opening: '<think>\nOkay, so' },
  { prompt: '<|assistant|>Sure: ', prefill: 'Sure: ', opening: 'Sure: ' },
  { prompt: '', opening: '' },
])('of $prompt the response has "$opening"', ({ prompt, prefill, opening }) => {
  expect(openingOf(prompt, prefill)).toBe(opening);
});

const thought = '<think>\n3 plus 3 is 6.\n</think>\n<answer>6</answer>';
const close = '<think>\n\n</think>\n\n';

test.each([
  { opening: '', response: thought, continuation: thought },
  { opening: '', response: '6', continuation: '6' },
  { opening: '', response: 'a</think>b', continuation: '<think>a</think>b' },
  { opening: '<think>\n', response: thought, continuation: '3 plus 3 is 6.\n</think>\n<answer>6</answer>' },
  { opening: '<think>', response: thought, continuation: '\n3 plus 3 is 6.\n</think>\n<answer>6</answer>' },
  { opening: '<think>\n', response: '<think>a</think>b', continuation: 'a</think>b' },
  { opening: '<think>\n', response: '\n<think>\n\n  a</think>b', continuation: '\n  a</think>b' },
  { opening: '<think>\n', response: 'a</think>b', continuation: 'a</think>b' },
  { opening: '<think>\n', response: '<answer>6</answer>', continuation: '\n</think>\n\n<answer>6</answer>' },
  { opening: '<think>\nOkay, ', response: '<think>\nOkay, so 6.</think>6', continuation: 'so 6.</think>6' },
  { opening: '<think>\nOkay, ', response: '<think>\n3+3</think>6', continuation: '\n3+3</think>6' },
  { opening: close, response: `${close}6`, continuation: '6' },
  { opening: close, response: '<think></think>\n6', continuation: '6' },
  { opening: close, response: 'a</think>b', continuation: 'b' },
  { opening: close, response: '6', continuation: '6' },
  { opening: close, response: thought, continuation: '<answer>6</answer>' },
  { opening: 'Sure: ', response: 'Sure: 6', continuation: '6' },
  { opening: 'Sure: ', response: '6', continuation: '6' },
])('behind "$opening" the response $response goes on as $continuation', ({ opening, response, continuation }) => {
  expect(continuationOf(response, opening)).toBe(continuation);
  const tags = (opening + continuation).match(/<think>/g) ?? [];
  expect(tags.length).toBeLessThanOrEqual(1);
});
