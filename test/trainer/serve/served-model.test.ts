import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { chatAnswer } from '../../../trainer/serve/chat-answer.ts';
import { parseChatRequest } from '../../../trainer/serve/chat-request.ts';
import { type AskSampling, ServedModel } from '../../../trainer/serve/served-model.ts';
import { Policy } from '../../../trainer/stages/policy/policy.ts';

const trained = join(import.meta.dirname, '../../fixtures/trained');
const sampling: AskSampling = {
  n: 4,
  temperature: 1,
  topP: 1,
  topK: 0,
  maxTokens: undefined,
  seed: 1,
  stop: [],
  alternatives: 0,
};

test('nothing more is sampled for who has hung up, and others go on', async () => {
  const policy = await Policy.open(trained, { workers: 1 });
  const live = await policy.engine.generateLive();
  try {
    const model = new ServedModel('model', policy, live);
    const asks = [{ promptIds: policy.tokenizer.encode('What is '), opening: '' }];
    const complete = async (onPiece: () => void, signal: AbortSignal) =>
      model.complete(asks, sampling, onPiece, signal);
    const whole = await complete(() => undefined, new AbortController().signal);
    const hang = new AbortController();
    const [gone, others] = await Promise.all([
      complete(() => hang.abort(), hang.signal),
      complete(() => undefined, new AbortController().signal),
    ]);
    expect(gone).toBeLessThan(whole);
    expect(others).toBe(whole);
    expect(live.size).toBe(0);
    expect(await complete(() => undefined, AbortSignal.abort())).toBe(0);
  } finally {
    live.close();
    await live.ended;
    await policy.close();
  }
});

test('variables of a request go to the chat template, over those of the server', async () => {
  const template = '{{ messages[0].content }}{% if loud %}!{% endif %}';
  const policy = await Policy.open(trained, { workers: 1, chat: { template, arguments: { loud: true } } });
  const live = await policy.engine.generateLive();
  try {
    const model = new ServedModel('model', policy, live);
    const promptOf = (fields: object) => {
      const request = parseChatRequest({ messages: [{ role: 'user', content: 'Hi' }], ...fields });
      return policy.tokenizer.decode(chatAnswer(model, request).asks[0]?.promptIds ?? []);
    };
    expect(promptOf({})).toBe('Hi!');
    expect(promptOf({ chat_template_kwargs: { loud: false } })).toBe('Hi');
  } finally {
    live.close();
    await live.ended;
    await policy.close();
  }
});
