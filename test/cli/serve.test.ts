import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import type { ChatCompletion, ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions';
import { Policy } from '../../trainer/stages/policy/policy.ts';
import { r1 } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { type ServeProcess, startServe } from '../support/serve.ts';

const trained = join(import.meta.dirname, '../fixtures/trained');
const apiKey = 'key-of-tests';

let server: ServeProcess;
let client: OpenAI;

beforeAll(async () => {
  server = await startServe([trained], { R1_API_KEY: apiKey });
  client = new OpenAI({ baseURL: server.url, apiKey, maxRetries: 0 });
}, 60_000);

afterAll(async () => {
  server.child.kill('SIGTERM');
  await server.ended;
});

const model = 'trained';
const question = { role: 'user', content: 'What is 3 + 4?' } as const;
const greedy = { model, messages: [question], temperature: 0 } satisfies ChatCompletionCreateParamsNonStreaming;
const textOf = ({ choices }: ChatCompletion): string | null | undefined => choices[0]?.message.content;

/** Sends a body as it is. */
function post(path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}`, ...headers },
  });
}

test('names its model', async () => {
  const models = await Array.fromAsync(client.models.list());
  expect(models).toEqual([
    { id: model, object: 'model', created: expect.any(Number), owned_by: 'r1', max_model_len: 128 },
  ]);
  expect(await client.models.retrieve(model)).toMatchObject({ id: model });
  await expect(client.models.retrieve('gpt-5')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
});

test('at temperature 0 a chat has the text of r1 generate', async () => {
  const { stdout } = await r1(['generate', trained, '-p', question.content, '--temperature', '0']);
  const answer = await client.chat.completions.create(greedy);
  expect(`${textOf(answer)}\n`).toBe(stdout);
  expect(answer).toEqual({
    id: expect.stringMatching(/^chatcmpl-/),
    object: 'chat.completion',
    created: expect.any(Number),
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: expect.any(String), refusal: null },
        logprobs: null,
        finish_reason: 'length',
      },
    ],
    usage: { prompt_tokens: 16, completion_tokens: 112, total_tokens: 128 }, // its context
  });
});

test('log-probabilities are those of the engine', async () => {
  const answer = await client.chat.completions.create({
    ...greedy,
    max_completion_tokens: 20,
    logprobs: true,
    top_logprobs: 3,
  });
  const told = answer.choices[0]?.logprobs?.content ?? [];
  expect(told).toHaveLength(20);
  const policy = await Policy.open(trained, { workers: 1 });
  try {
    const { encode, renderChat } = policy.tokenizer;
    const completionIds = told.flatMap(({ token }) => encode(token));
    const sequence = { promptIds: encode(renderChat([question])), completionIds };
    const [probs] = await policy.engine.tokenProbabilities([sequence], { temperature: 1 });
    expect(told.map(({ logprob }) => logprob)).toEqual(Array.from(probs ?? [], (prob) => Math.log(prob)));
  } finally {
    await policy.close();
  }
  expect(told.map(({ token }) => token).join('')).toBe(textOf(answer));
  for (const { token, logprob, bytes, top_logprobs: top } of told) {
    expect(bytes).toEqual([...Buffer.from(token)]);
    expect(top).toHaveLength(3);
    expect(top[0]).toEqual({ token, logprob, bytes });
  }
});

test.each([
  { name: 'greedy', sampling: { temperature: 0 } },
  { name: 'sampled, three of them, characters of several bytes', sampling: { temperature: 2, seed: 7, n: 3 } },
  { name: 'a stop text', sampling: { temperature: 0, stop: ['as?', '944'] } },
])('chunks of a stream make the whole: $name', async ({ sampling }) => {
  const request = { ...greedy, ...sampling, logprobs: true, top_logprobs: 1 };
  const whole = await client.chat.completions.create(request);
  const texts = whole.choices.map(() => '');
  const logprobs: unknown[][] = whole.choices.map(() => []);
  const finishes: unknown[] = [];
  let usage: unknown;
  let chunks = 0;
  for await (const chunk of await client.chat.completions.create({
    ...request,
    stream: true,
    stream_options: { include_usage: true },
  })) {
    chunks++;
    usage = chunk.usage ?? usage;
    for (const { index, delta, logprobs: told, finish_reason: finish } of chunk.choices) {
      texts[index] += delta.content ?? '';
      logprobs[index]?.push(...(told?.content ?? []));
      if (finish) finishes[index] = finish;
    }
  }
  expect(texts).toEqual(whole.choices.map(({ message }) => message.content));
  expect(logprobs).toEqual(whole.choices.map((choice) => choice.logprobs?.content));
  expect(finishes).toEqual(whole.choices.map((choice) => choice.finish_reason));
  expect(usage).toEqual(whole.usage);
  expect(chunks).toBeGreaterThan(3);
});

test('a conversation goes on with an answer as the client has it', async () => {
  const { choices } = await client.chat.completions.create({ ...greedy, max_tokens: 4 });
  const answer = (choices[0] as ChatCompletion.Choice).message;
  const next = await client.chat.completions.create({
    ...greedy,
    messages: [question, answer, question],
    max_tokens: 4,
  });
  expect(textOf(next)).toEqual(expect.any(String));
});

test('a completion goes on where its prompt ends, and a stop text is not part of it', async () => {
  const request = { model, prompt: 'What is 3 + 4?', temperature: 0, max_tokens: 30, logprobs: 2 };
  const whole = await client.completions.create(request);
  const { text = '', logprobs } = whole.choices[0] ?? {};
  expect(whole).toMatchObject({ object: 'text_completion', choices: [{ finish_reason: 'length', index: 0 }] });
  expect(logprobs?.tokens?.join('')).toBe(text);
  const before = (at: number) => logprobs?.tokens?.slice(0, at).join('').length;
  expect(logprobs?.text_offset).toEqual(logprobs?.tokens?.map((_, at) => before(at)));
  expect(Object.keys(logprobs?.top_logprobs?.[0] ?? {})).toHaveLength(2);

  const stop = text.slice(10, 12);
  const stopped = await client.completions.create({ ...request, stop });
  expect(stopped.choices[0]).toMatchObject({ text: text.slice(0, text.indexOf(stop)), finish_reason: 'stop' });

  let streamed = '';
  for await (const { choices } of await client.completions.create({ ...request, stream: true })) {
    streamed += choices[0]?.text;
  }
  expect(streamed).toBe(text);
});

test('several prompts, as texts and as tokens, are answered in their order', async () => {
  const one = async (prompt: string) => (await client.completions.create({ model, prompt, temperature: 0 })).choices[0];
  const alone = [await one('Hello'), await one('What')];
  const { choices } = await client.completions.create({ model, prompt: ['Hello', 'What'], temperature: 0, n: 2 });
  expect(choices.map(({ text }) => text)).toEqual([0, 0, 1, 1].map((at) => alone[at]?.text));
  const policy = await Policy.open(trained, { workers: 1 });
  const prompt = ['Hello', 'What'].map((text) => policy.tokenizer.encode(text));
  await policy.close();
  const ofTokens = await client.completions.create({ model, prompt, temperature: 0 });
  expect(ofTokens.choices.map(({ text }) => text)).toEqual(alone.map((choice) => choice?.text));
});

test('eight clients at once get what each gets alone, with the seed and without it something else', async () => {
  const asked = Array.from({ length: 8 }, (_, seed) => ({ ...greedy, temperature: 0.8, top_p: 0.9, seed }));
  const alone: unknown[] = [];
  for (const request of asked) alone.push(textOf(await client.chat.completions.create(request)));
  const together = await Promise.all(asked.map(async (request) => client.chat.completions.create(request)));
  expect(together.map(textOf)).toEqual(alone);
  expect(new Set(alone).size).toBe(8);
  const [a, b] = [0, 0].map(async () => client.chat.completions.create({ ...greedy, temperature: 1 }));
  expect(textOf((await a) as ChatCompletion)).not.toBe(textOf((await b) as ChatCompletion));
});

const chat = (fields: object) => JSON.stringify({ messages: [question], ...fields });

test.each([
  {
    name: 'temperature',
    body: chat({ temperature: 3 }),
    message: 'temperature: Too big: expected number to be <=2; found 3',
  },
  {
    name: 'max_tokens',
    body: chat({ max_tokens: 0 }),
    message: 'max_tokens: Too small: expected number to be >=1; found 0',
  },
  { name: 'top_p', body: chat({ top_p: 'high' }), message: /^top_p: Invalid input: expected number, received string/ },
  { name: 'n', body: chat({ n: 129 }), message: /^n: Too big/ },
  { name: 'stop.0', body: chat({ stop: [''] }), message: /^stop/ },
  { name: 'seed', body: chat({ seed: 1.5 }), message: /^seed: .*found 1.5/ },
  { name: 'temprature', body: chat({ temprature: 1 }), message: 'temprature: no such field is known here' },
  { name: 'messages', body: '{}', message: /^messages: .*found undefined/ },
  { name: 'messages', body: chat({ messages: [] }), message: /^messages: Too small/ },
  { name: 'messages.0.role', body: chat({ messages: [{ role: 'me', content: '' }] }), message: /found "me"/ },
  {
    name: 'messages.0.content',
    body: chat({ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }),
    message: /expected a text/,
  },
  {
    name: 'messages',
    body: chat({ messages: [{ role: 'user', content: '\uD800' }] }),
    message: /half of a surrogate pair/,
  },
  { name: 'tools', body: chat({ tools: [{}] }), message: /^tools: calls of tools are not supported/ },
  {
    name: 'response_format.type',
    body: chat({ response_format: { type: 'json_object' } }),
    message: /only text is made/,
  },
  { name: 'frequency_penalty', body: chat({ frequency_penalty: 1 }), message: /penalties are not supported/ },
  { name: 'top_logprobs', body: chat({ top_logprobs: 2 }), message: /needs logprobs: true/ },
  { name: 'stream_options.usage', body: chat({ stream_options: { usage: true } }), message: /no such field/ },
  { name: 'model', status: 404, body: chat({ model: 'gpt-5' }), message: 'model: found "gpt-5", expected trained' },
  {
    name: null,
    body: chat({ messages: [{ role: 'user', content: 'a'.repeat(200) }] }),
    message: /the prompt has 202 tokens, expected 1 to 127/,
  },
  { name: null, body: '{', message: /^the body is no JSON/ },
  { name: null, body: '[1]', message: /^the body: .*expected object/ },
  { name: null, status: 413, body: chat({ user: 'a'.repeat(400_000) }), message: /expected at most/ },
  { name: 'prompt', path: '/completions', body: '{}', message: /^prompt: .*found undefined/ },
  {
    name: 'prompt',
    path: '/completions',
    body: '{"prompt": [5, 99999]}',
    message: /found the token 99999, expected ids below 265/,
  },
  { name: null, path: '/completions', body: '{"prompt": ""}', message: /the prompt has 0 tokens/ },
  { name: 'echo', path: '/completions', body: '{"prompt": "a", "echo": true}', message: /echo is not supported/ },
  { name: 'logprobs', path: '/completions', body: '{"prompt": "a", "logprobs": 21}', message: /^logprobs: Too big/ },
  {
    name: null,
    status: 404,
    path: '/embeddings',
    body: '{}',
    message: /^\/v1\/embeddings: no such path; expected \/v1\/chat\/completions, /,
  },
])('refuses $path $body.length $message', async ({ name, body, message, status = 400, path = '/chat/completions' }) => {
  const response = await post(path, body);
  const { error } = (await response.json()) as { error: { message: string; type: string; param: string | null } };
  expect([response.status, error.type, error.param]).toEqual([status, 'invalid_request_error', name]);
  expect(error.message).toMatch(
    message instanceof RegExp ? message : new RegExp(`^${message.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`),
  );
});

test('null counts as absent', async () => {
  const response = await post(
    '/chat/completions',
    chat({ temperature: 0, stop: null, tools: null, max_tokens: 2, user: 'me' }),
  );
  expect(response.status).toBe(200);
});

test('a key is asked of everybody but of those who look whether it is well', async () => {
  const stranger = new OpenAI({ baseURL: server.url, apiKey: 'another', maxRetries: 0 });
  await expect(stranger.chat.completions.create(greedy)).rejects.toMatchObject({
    status: 401,
    code: 'invalid_api_key',
  });
  const health = await fetch(new URL('/health', server.url));
  expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
});

test('forms, which a page could send from a browser, are refused', async () => {
  expect(await post('/chat/completions', chat({}), { 'content-type': 'text/plain' })).toMatchObject({ status: 415 });
  expect(
    await fetch(`${server.url}/chat/completions`, { headers: { authorization: `Bearer ${apiKey}` } }),
  ).toMatchObject({ status: 405 });
});

test('more than there is room for is refused until there is room', async () => {
  const many = { ...greedy, temperature: 1, n: 128 };
  const asked = [0, 1, 2].map(async () =>
    client.chat.completions.create(many).then(
      ({ choices }) => choices.length,
      (error: InstanceType<typeof OpenAI.APIError>) => [error.status, error.code],
    ),
  );
  const answers = await Promise.all(asked);
  expect(answers.filter((answer) => answer === 128)).toHaveLength(2);
  expect(answers).toContainEqual([429, 'queue_full']);
  expect((await client.chat.completions.create({ ...many, max_tokens: 1 })).choices).toHaveLength(128);
});

test('who hangs up makes room for others', async () => {
  const hang = new AbortController();
  const many = { ...greedy, temperature: 1, n: 128, stream: true } as const;
  const hangUp = { signal: hang.signal };
  const streams = await Promise.all([0, 1].map(async () => client.chat.completions.create(many, hangUp)));
  hang.abort();
  for (const stream of streams) await Array.fromAsync(stream);
  await eventually(async () => {
    expect((await post('/chat/completions', chat({ n: 128, max_tokens: 1 }))).status).toBe(200);
  });
});

test('SIGTERM lets what has begun come to its end', async () => {
  const own = await startServe([trained, '--name', 'mine', '--prefill', 'Well, ']);
  const to = new OpenAI({ baseURL: own.url, apiKey: 'none is asked for', maxRetries: 0 });
  const stream = await to.chat.completions.create({ ...greedy, model: 'mine', n: 64, stream: true });
  let text = '';
  let isFirst = true;
  for await (const { choices } of stream) {
    if (isFirst) own.child.kill('SIGTERM');
    isFirst = false;
    if (choices[0]?.index === 0) text += choices[0].delta.content ?? '';
  }
  const { stdout } = await r1([
    'generate',
    trained,
    '-p',
    question.content,
    '--temperature',
    '0',
    '--prefill',
    'Well, ',
  ]);
  expect(`${text}\n`).toBe(stdout);
  expect(await own.ended).toBe(0);
  expect(own.output()).toMatch(/^serving mine at http:\/\/127.0.0.1:\d+\/v1\nstopping: .*\n$/);
  await expect(fetch(own.url)).rejects.toThrow('fetch failed');
});

test.each([
  {
    args: [trained, '--host', '0.0.0.0'],
    message: /^r1: --host 0.0.0.0: others reach the server there, and R1_API_KEY is not set/,
  },
  {
    args: [trained, '--host', 'no.such.host.invalid'],
    message: /^r1: --host: found "no.such.host.invalid", expected an address of this machine/,
  },
  { args: [trained, '--port', '70000'], message: /expected a whole number from 0 to 65535/ },
  { args: ['nowhere'], message: /^r1: nowhere: found no such directory/ },
])('r1 serve $args says what is wrong', async ({ args, message }) => {
  const { code, stderr } = await r1(['serve', ...args]);
  expect([code, stderr]).toEqual([64, expect.stringMatching(message)]);
});

test('a port that is taken is said', async () => {
  const { code, stderr } = await r1(['serve', trained, '--port', new URL(server.url).port]);
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^r1: serve: cannot listen on 127.0.0.1, port \d+: .*EADDRINUSE/),
  ]);
});
