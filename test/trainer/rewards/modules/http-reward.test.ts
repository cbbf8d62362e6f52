import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { rewardHttp } from '../../../../trainer/contract/settings/own-functions.ts';
import { HttpReward, type HttpRewardOptions } from '../../../../trainer/rewards/modules/http-reward.ts';
import type { Sample } from '../../../../trainer/rewards/modules/protocol.ts';
import { eventually } from '../../../support/eventually.ts';

const secret = 's3cret-of-the-grader';
type Answer = (samples: Sample[], response: ServerResponse, request: IncomingMessage) => unknown;

let server: Server;
let url = '';
let respond: Answer = () => undefined;
/** Sizes of the batches that were asked, in order. */
let asked: number[] = [];
const opened: HttpReward[] = [];

beforeEach(async () => {
  asked = [];
  respond = scoring;
  server = createServer((request, response) => {
    void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/score?team=a`;
});

afterEach(async () => {
  opened.splice(0).forEach((reward) => reward.close());
  delete process.env['R1_GRADER_TOKEN'];
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { samples } = (await json(request)) as { samples: Sample[] };
  asked.push(samples.length);
  const given = respond(samples, response, request);
  if (given !== undefined) response.end(typeof given === 'string' ? given : JSON.stringify(given));
}

const scoring: Answer = (samples) => ({ scores: samples.map(({ completion }) => completion.length) });
const status =
  (code: number): Answer =>
  (_, response) => {
    response.statusCode = code;
    return '{}';
  };

async function open(settings: object = {}, options: HttpRewardOptions = {}): Promise<HttpReward> {
  const retry = { retries: 3, minTimeout: 1, maxTimeout: 1 };
  const reward = await HttpReward.open(rewardHttp.parse({ url, ...settings }), { retry, ...options });
  opened.push(reward);
  asked = [];
  return reward;
}

const sample = (completion: string): Sample => ({
  completion,
  answer: '5',
  prompt: '2 + 3?',
  row: { id: 'sums/1', dataset: 'sums', domain: 'reasoning', messages: [], columns: { level: 2 } },
});
const samples = (...completions: string[]) => completions.map(sample);

test('samples go out in batches, and their scores come back in their order', async () => {
  const reward = await open({ batch: 2, concurrency: 2 });
  let busy = 0;
  let most = 0;
  respond = (given, response) => {
    most = Math.max(most, ++busy);
    setTimeout(() => {
      busy--;
      response.end(JSON.stringify(scoring(given, response, response.req)));
    }, 30 / given.length);
  };
  expect(await reward.score(samples('a', 'bb', 'ccc', 'dddd', 'e'))).toEqual([1, 2, 3, 4, 1]);
  expect(asked).toEqual([2, 2, 1]);
  expect(most).toBe(2);
  expect(await reward.score([])).toEqual([]);
});

test('a sample is what a module is given', async () => {
  const reward = await open();
  let seen: unknown;
  respond = (given, response, request) => {
    seen = given;
    return scoring(given, response, request);
  };
  await reward.score(samples('a'));
  expect(seen).toEqual(samples('a'));
});

test('a sample without a score abstains or has an error of its own', async () => {
  const reward = await open();
  respond = () => ({ scores: [null, { error: 'no unit' }, -0.5] });
  expect(await reward.score(samples('a', 'b', 'c'))).toEqual([
    { because: 'abstain', message: 'it gave null' },
    { because: 'error', message: 'no unit' },
    -0.5,
  ]);
});

test('the token is sent, and no message tells it', async () => {
  process.env['R1_GRADER_TOKEN'] = `${secret}\n`;
  const seen: unknown[] = [];
  respond = (given, response, request) => {
    seen.push(request.headers.authorization);
    return scoring(given, response, request);
  };
  const reward = await open({ token: { variable: 'R1_GRADER_TOKEN' } });
  respond = (_, response, request) => {
    response.statusCode = 403;
    return request.headers.authorization;
  };
  const [score] = await reward.score(samples('a'));
  expect(seen).toEqual([`Bearer ${secret}`]);
  expect(score).toEqual({ because: 'error', message: expect.stringMatching(/\/score: answered 403; expected 200/) });
  expect(JSON.stringify(score)).not.toContain(secret);
});

test.each([
  { name: 'an overload', failing: status(503) },
  { name: 'too many requests', failing: status(429) },
  { name: 'a lost connection', failing: ((_, response) => void response.destroy()) as Answer },
])('after $name it is asked again', async ({ failing }) => {
  const reward = await open();
  let failures = 0;
  respond = (given, response, request) => (++failures < 3 ? failing : scoring)(given, response, request);
  expect(await reward.score(samples('a', 'bb'))).toEqual([1, 2]);
  expect(asked).toEqual([2, 2, 2]);
});

test.each([
  { name: 'another status', respond: status(400), says: 'answered 400; expected 200 with scores' },
  {
    name: 'a redirection',
    respond: ((_, response) => void response.writeHead(307, { location: url }).end()) as Answer,
    says: 'answered 307',
  },
  { name: 'no JSON', respond: () => 'none', says: 'answered something else; expected {"scores": […]} with' },
  { name: 'infinity', respond: () => '{"scores": [1e999]}', says: 'answered something else' },
  { name: 'too few scores', respond: () => ({ scores: [] }), says: 'answered 0 scores for 1 samples' },
  { name: 'too much', respond: () => ' '.repeat(1 << 20), says: 'answered more than 66560 bytes' },
])('a batch that is answered with $name has errors, and is not asked again', async ({ respond: bad, says }) => {
  const reward = await open({ batch: 1 });
  respond = (given, response, request) =>
    given[0]?.completion === 'bad' ? bad(given, response, request) : scoring(given, response, request);
  expect(await reward.score(samples('bad', 'a'))).toEqual([
    { because: 'error', message: expect.stringContaining(says) },
    1,
  ]);
  expect(asked).toHaveLength(2);
});

test('a batch that hangs is a timeout', async () => {
  const reward = await open({ batch: 1, timeoutSeconds: 0.2 });
  respond = (given, response, request) =>
    given[0]?.completion === 'hang' ? undefined : scoring(given, response, request);
  expect(await reward.score(samples('hang', 'a'))).toEqual([
    { because: 'timeout', message: expect.stringContaining('/score: no answer in 0.2 s') },
    1,
  ]);
});

test('after three lost batches the rest of a rollout is not tried', async () => {
  const reward = await open({ batch: 1, concurrency: 1 });
  respond = (given, response, request) => (asked.length === 1 ? scoring : status(400))(given, response, request);
  const scores = await reward.score(samples('a', 'b', 'c', 'd', 'e', 'f'));
  expect(asked).toHaveLength(4);
  expect(scores[0]).toBe(1);
  expect(scores[5]).toEqual({ because: 'error', message: 'after 3 lost requests the rest was not tried' });
});

test('a service that is away for a whole rollout ends the attempt, and is no fault of the completions', async () => {
  const reward = await open();
  respond = status(503);
  await expect(reward.score(samples('a'))).rejects.toMatchObject({
    name: 'UnavailableError',
    message: expect.stringContaining('/score: answered 503'),
  });
});

test.each([
  { needs: 'all', code: 503, unavailable: true },
  { needs: 'all', code: 400, unavailable: false }, // it was there
  { needs: 'some', code: 503, unavailable: false },
] as const)('a second batch that is answered $code ends the attempt: $unavailable, needed: $needs', async (given) => {
  const reward = await open({ batch: 1, concurrency: 1 });
  respond = (of, response, request) => (asked.length === 1 ? scoring : status(given.code))(of, response, request);
  const scores = reward.score(samples('a', 'b'), given.needs);
  await (given.unavailable
    ? expect(scores).rejects.toMatchObject({ name: 'UnavailableError' })
    : expect(scores).resolves.toEqual([1, { because: 'error', message: expect.any(String) }]));
});

test.each([
  {
    name: 'is not there',
    more: { url: 'http://127.0.0.1:9/' },
    error: 'UnavailableError',
    says: '127.0.0.1:9/: cannot be',
  },
  { name: 'is overloaded', respond: status(503), error: 'UnavailableError', says: 'answered 503' },
  { name: 'has no such path', respond: status(404), error: 'UserError', says: 'answered 404' },
  { name: 'is another one', respond: () => '<html>', error: 'UserError', says: 'answered something else' },
  {
    name: 'has no token',
    more: { token: { variable: 'R1_GRADER_TOKEN' } },
    error: 'UserError',
    says: 'the environment variable R1_GRADER_TOKEN is empty; expected the token that the service asks for',
  },
])(
  'a service that $name is told before anything is scored',
  async ({ more, respond: given = scoring, error, says }) => {
    respond = given;
    await expect(open(more)).rejects.toMatchObject({ name: error, message: expect.stringContaining(says) });
  },
);

test('a stop ends a rollout that is being scored', async () => {
  const stop = new AbortController();
  const reward = await open({}, { signal: stop.signal });
  respond = () => undefined;
  const scored = reward.score(samples('a'));
  await eventually(() => expect(asked).toHaveLength(1));
  stop.abort();
  await expect(scored).rejects.toThrow('asked to stop while a reward was computed');
});

test.each(['ftp://a/b', 'http://user:word@a/b', 'a/b', 'http:///b', 'http://a/b#c'])(
  '%s is no address of one',
  (address) => {
    expect(rewardHttp.safeParse({ url: address }).success).toBe(false);
  },
);
