import { once } from 'node:events';
import { appendFile, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { InterruptedError, UnavailableError, UserError } from '../../../../trainer/contract/process/errors.ts';
import { reward } from '../../../../trainer/contract/settings/rewards.ts';
import { askEndpoint } from '../../../../trainer/rewards/judge/endpoint.ts';
import type { Reply } from '../../../../trainer/rewards/judge/judge.ts';
import { VerdictCache } from '../../../../trainer/rewards/judge/verdict-cache.ts';
import { useTemporaryDirectory } from '../../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();

interface Body {
  readonly messages: readonly { readonly content: string }[];
  readonly [field: string]: unknown;
}

let server: Server;
let url: string;
/** What came, in order. */
let requests: { readonly body: Body; readonly request: IncomingMessage }[];
let answer: (response: ServerResponse, body: Body) => void;
let most: number;
let open: number;

const send = (response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
const says = (response: ServerResponse, { messages }: Body): void =>
  send(response, 200, {
    choices: [{ message: { content: `of ${messages[0]?.content}` } }],
    usage: { total_tokens: 10 },
  });

beforeEach(async () => {
  [requests, answer, most, open] = [[], says, 0, 0];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const body = JSON.parse(text) as Body;
      requests.push({ body, request });
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        answer(response, body);
      }, 5);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

interface Given {
  readonly endpoint?: object;
  readonly token?: string;
  readonly signal?: AbortSignal;
}

/** Asks these texts by a judge with the cache of this test. */
async function ask(texts: readonly string[], { endpoint = {}, token, signal }: Given = {}): Promise<readonly Reply[]> {
  const { judge } = reward.parse({
    judge: { endpoint: { url, model: 'judge', ...(token && { token: {} }), ...endpoint } },
  });
  const cache = await VerdictCache.open(join(directory(), 'verdicts.jsonl'), async () => undefined);
  try {
    const options = {
      cache,
      token,
      signal: signal ?? new AbortController().signal,
      onActivity: () => undefined,
      retry: { retries: 2, minTimeout: 1, factor: 1 },
    };
    return await askEndpoint(judge!.endpoint!, judge!.sampling, options)(texts.map((text) => ({ text, vote: 0 })));
  } finally {
    await cache.close();
  }
}

const cached = async () => (await readFile(join(directory(), 'verdicts.jsonl'), 'utf8')).trimEnd().split('\n');

test('asks in the form of OpenAI, with the key that it was given', async () => {
  expect(await ask(['one'], { token: 'secret-key' })).toEqual([{ text: 'of one', tokens: 10 }]);
  const [{ body, request } = { body: {}, request: undefined }] = requests;
  expect(request?.url).toBe('/v1/chat/completions');
  expect(request?.headers.authorization).toBe('Bearer secret-key');
  expect(body).toEqual({
    model: 'judge',
    messages: [{ role: 'user', content: 'one' }],
    temperature: 0,
    max_tokens: 512,
    seed: expect.any(Number),
  });
  expect(await cached()).toEqual([expect.not.stringContaining('secret-key')]);
});

test('asks nothing twice, and needs no server for what it has', async () => {
  expect((await ask(['one', 'two', 'one'])).map(({ text }) => text)).toEqual(['of one', 'of two', 'of one']);
  expect(requests).toHaveLength(2);
  server.close();
  server.closeAllConnections();
  expect((await ask(['two', 'one'])).map(({ text }) => text)).toEqual(['of two', 'of one']);
});

test('a line that a crash has cut is asked again, and spoils no other', async () => {
  await ask(['one']);
  await appendFile(join(directory(), 'verdicts.jsonl'), '{"key":"ab');
  await ask(['one', 'two']);
  expect(requests).toHaveLength(2);
  await ask(['one', 'two']);
  expect(requests).toHaveLength(2);
  expect(await cached()).toHaveLength(3);
});

test('so many requests at a time', async () => {
  const texts = Array.from({ length: 20 }, (_, at) => `question ${at}`);
  const replies = await ask(texts, { endpoint: { concurrency: 3 } });
  expect(replies.map(({ text }) => text)).toEqual(texts.map((text) => `of ${text}`));
  expect(most).toBe(3);
});

test.each([
  { name: 'an error', fail: (response: ServerResponse) => send(response, 500, {}) },
  { name: 'too many requests', fail: (response: ServerResponse) => send(response, 429, {}, { 'retry-after': '0.01' }) },
  { name: 'a hang-up', fail: (response: ServerResponse) => response.destroy() },
  { name: 'something else', fail: (response: ServerResponse) => send(response, 200, { choices: [] }) },
])('after $name it is asked again', async ({ fail }) => {
  answer = (response, body) => (requests.length < 3 ? fail(response) : says(response, body));
  expect(await ask(['one'])).toEqual([{ text: 'of one', tokens: 10 }]);
  expect(requests).toHaveLength(3);
});

test.each([
  {
    name: 'errors',
    fail: (response: ServerResponse) => send(response, 503, { error: { message: 'no room for the-key' } }),
    message: /^judge http:\S+: answered 503: no room for \[redacted\]$/,
  },
  {
    name: 'silence',
    fail: () => undefined,
    message: /^judge http:\S+: The operation was aborted due to timeout$/,
  },
  {
    name: 'more than any verdict has',
    fail: (response: ServerResponse) => response.end('a'.repeat(2_000_000)),
    message: /^judge http:\S+: answered more than 1048576 bytes$/,
  },
])('a server that has only $name is unavailable, and what was asked before is kept', async ({ fail, message }) => {
  await ask(['one']);
  answer = fail;
  const asking = ask(['one', 'two'], { token: 'the-key', endpoint: { timeoutSeconds: 1 } });
  await expect(asking).rejects.toThrow(UnavailableError);
  await expect(asking).rejects.toThrow(message);
  expect(await cached()).toHaveLength(1);
});

test.each([302, 401, 403, 404])('a person must act on %p, of which no key is told', async (status) => {
  const elsewhere = { location: `${url}/elsewhere` }; // which would get the key
  answer = (response) => send(response, status, { error: { message: 'the-key is no key' } }, elsewhere);
  const asking = ask(['one'], { token: 'the-key' });
  await expect(asking).rejects.toThrow(UserError);
  await expect(asking).rejects.toThrow(`answered ${status}, with the token of R1_JUDGE_TOKEN: [redacted] is no key`);
  expect(requests).toHaveLength(1);
  await expect(ask(['one'])).rejects.toThrow(`answered ${status}, without a token: the-key`);
});

test('a question that is refused is so again, without being asked', async () => {
  answer = (response, body) =>
    body.messages[0]?.content === 'long'
      ? send(response, 400, { error: { message: 'too long' } })
      : says(response, body);
  const expected = [
    { text: '', refused: '400: too long', tokens: 0 },
    { text: 'of one', tokens: 10 },
  ];
  expect(await ask(['long', 'one'])).toEqual(expected);
  expect(await ask(['long', 'one'])).toEqual(expected);
  expect(requests).toHaveLength(2);
});

test('no more is asked once the budget is spent, which counts what was asked before', async () => {
  const endpoint = { budgetTokens: 25, concurrency: 1 };
  await ask(['one'], { endpoint });
  const asking = ask(['one', 'two', 'three', 'four'], { endpoint });
  await expect(asking).rejects.toThrow(UserError);
  await expect(asking).rejects.toThrow('judge.endpoint.budgetTokens: 30 tokens are spent, expected less than 25');
  expect(requests).toHaveLength(3);
  expect(await ask(['one', 'two', 'three'], { endpoint })).toHaveLength(3);
  expect(await ask(['four'], { endpoint: { budgetTokens: 31 } })).toHaveLength(1);
});

test('tokens of a server that does not count are reckoned', async () => {
  answer = (response) => send(response, 200, { choices: [{ message: { content: 'fine' } }] });
  const [reply] = await ask(['a'.repeat(400)]);
  expect(reply?.tokens).toBeGreaterThan(100);
});

test('a stop ends all waiting', async () => {
  answer = () => undefined;
  const stop = new AbortController();
  const asking = ask(['one', 'two'], { signal: stop.signal });
  setTimeout(() => stop.abort(), 50);
  await expect(asking).rejects.toThrow(InterruptedError);
});
