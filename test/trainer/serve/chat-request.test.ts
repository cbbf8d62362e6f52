import { expect, test } from '@jest/globals';
import { parseChatRequest } from '../../../trainer/serve/chat-request.ts';

const question = { role: 'user', content: 'What is 3 + 4?' };

test.each([
  { name: 'as this server gave it', fields: { refusal: null } },
  { name: 'as OpenAI gives it', fields: { refusal: null, annotations: [], audio: null } },
  {
    name: 'as vLLM gives it',
    fields: { tool_calls: [], function_call: null, reasoning_content: null, reasoning: null },
  },
])('takes an answer back: $name', ({ fields }) => {
  const answer = { role: 'assistant', content: '7', ...fields };
  const { messages } = parseChatRequest({ messages: [question, answer, question] });
  expect(messages).toMatchObject([question, { role: 'assistant', content: '7' }, question]);
});

test.each([
  [{ refusal: 'no' }, 'messages.0.refusal: only text is understood; expected null; found "no"'],
  [{ tool_calls: [{}] }, 'messages.0.tool_calls: calls of tools are not supported; expected []; found [{}]'],
  [
    { content: null },
    'messages.0.content: expected a text, or an array of parts {"type": "text", "text": …}; found null',
  ],
  [{ mood: 1 }, 'messages.0.mood: no such field is known here'],
])('refuses what it would leave out of a message: %j', (fields, says) => {
  const messages = [{ role: 'assistant', content: '7', ...fields }, question];
  expect(() => parseChatRequest({ messages })).toThrow(says);
});

const request = (variables: unknown) => ({ messages: [question], chat_template_kwargs: variables });

test('takes variables of the chat template, but for those that are set here', () => {
  expect(parseChatRequest(request({ enable_thinking: false })).chat_template_kwargs).toEqual({
    enable_thinking: false,
  });
  expect(() => parseChatRequest(request({ messages: [] }))).toThrow(
    'chat_template_kwargs: "messages" is set by the trainer, choose another name; found {"messages":[]}',
  );
  expect(() => parseChatRequest(request(false))).toThrow(
    'chat_template_kwargs: expected an object of variables and their values; found false',
  );
});
