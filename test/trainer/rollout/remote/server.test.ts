import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  LearnerClient,
  OverError,
  type ParameterMemory,
  StageDoneError,
} from '../../../../trainer/rollout/remote/client.ts';
import { encodeCompletion, type Answer } from '../../../../trainer/rollout/remote/protocol.ts';
import { RolloutServer } from '../../../../trainer/rollout/remote/server.ts';
import { differs } from '../../../../trainer/rollout/remote/shared-requests.ts';
import { FakeEngine, fakeCompletion, fakeRequests, limits } from './fake-engine.ts';

const token = 'a token of no importance';
const versions = { node: '24', instructions: 'avx2' };
const requests = fakeRequests(40);
const expected = requests.map(fakeCompletion);
const never = new AbortController().signal;

let server: RolloutServer;
let engine: FakeEngine;
let url: URL;
const said = jest.spyOn(console, 'error').mockReturnValue();
beforeEach(async () => {
  said.mockClear();
  engine = new FakeEngine(5);
  server = await RolloutServer.listen({ port: 0, host: '127.0.0.1', token, versions, onActivity: () => undefined });
  url = new URL(`http://127.0.0.1:${(server.address as AddressInfo).port}`);
});
afterEach(() => server.close({ done: false }));

const client = (): LearnerClient => new LearnerClient(url, token);

function serve(): void {
  server.serve({ engine, config: { model_type: 'qwen3' }, limits });
}

/** A worker that is registered and has the parameters. */
async function join(threads = 1): Promise<LearnerClient> {
  const learner = client();
  await learner.register({ engine: versions, threads });
  return learner;
}

/** Polls until there is a lease; the learner waits with what it does itself, so that it is not done before. */
async function lease(learner: LearnerClient): Promise<Extract<Answer, { kind: 'lease' }>> {
  const goOn = engine.hold();
  try {
    return await pollForLease(learner);
  } finally {
    goOn();
  }
}

/** Memory that begins and ends elsewhere than what is sent. */
function inPieces(bytes: Uint8Array): ParameterMemory {
  async function* memory() {
    for (let at = 0; at < bytes.length; at += 333_332) yield bytes.subarray(at, at + 333_332);
  }
  return { bytes: bytes.length, memory: memory() };
}

async function pollForLease(learner: LearnerClient): Promise<Extract<Answer, { kind: 'lease' }>> {
  let version: string | undefined;
  for (;;) {
    const answer = await learner.poll({ ...(version !== undefined && { version }) }, never);
    if (answer.kind === 'update') {
      version = answer.version;
      const bytes = new Uint8Array(engine.parameters.byteLength);
      await learner.readParameters(version, inPieces(bytes), never);
      expect(Buffer.compare(bytes, new Uint8Array(engine.parameters.buffer))).toBe(0);
    } else if (answer.kind === 'lease') return answer;
    else throw new Error('expected work');
  }
}

const completionsOf = (indices: readonly number[]) =>
  indices.map((index) => encodeCompletion({ index, completion: expected[index]! }));

test('alone the learner does everything', async () => {
  serve();
  expect(await server.generate(requests)).toEqual(expected);
  expect(engine.sampled).toBe(40);
  expect(await server.generate([])).toEqual([]);
});

test('a worker does its share, on trial at first, and trusted from then on', async () => {
  serve();
  const learner = await join(3);
  for (const least of [40 - 30 + 1, 10]) {
    engine.sampled = 0;
    const generating = server.generate(requests);
    const { lease: id, requests: lent } = await lease(learner);
    await learner.deliver(id, { completions: completionsOf(lent.map(({ index }) => index)) });
    expect(await generating).toEqual(expected);
    expect(lent.length).toBeGreaterThan(20); // three threads of four
    expect(engine.sampled).toBeGreaterThanOrEqual(least - 5);
    expect(engine.sampled + lent.length).toBeLessThanOrEqual(41); // the proof of the first round
    engine.parametersVersion++;
  }
});

test('a worker that polls before there is work gets it as soon as there is', async () => {
  serve();
  const learner = await join();
  const polling = learner.poll({}, never);
  await sleep(50);
  const generating = server.generate(requests);
  expect(await polling).toMatchObject({ kind: 'update' });
  await generating;
});

test('what a worker takes and never delivers is done by the learner, without waiting for the end of the lease', async () => {
  serve();
  const learner = await join(9);
  using _ = jest.spyOn(performance, 'now').mockReturnValue(performance.now()); // no lease comes to its end
  const generating = server.generate(requests);
  const { lease: id, requests: lent } = await lease(learner);
  expect(lent.length).toBeGreaterThan(30);
  expect(await generating).toEqual(expected);
  const late = learner.deliver(id, { completions: completionsOf([lent[0]!.index]) });
  await expect(late).rejects.toThrow(OverError);
});

test('a completion that came from a worker spares the learner that one, even where it has begun it', async () => {
  engine.msPerCompletion = 1000;
  serve();
  const learner = await join(1000);
  const generating = server.generate(requests.slice(0, 8));
  const { lease: id, requests: lent } = await lease(learner);
  await sleep(500); // by now the learner has reclaimed it and does it again
  await learner.deliver(id, { completions: completionsOf(lent.map(({ index }) => index)) });
  expect(await generating).toEqual(expected.slice(0, 8));
});

test('garbage is refused together with the worker that sent it, and done again', async () => {
  serve();
  const learner = await join(9);
  const generating = server.generate(requests);
  const { lease: id, requests: lent } = await lease(learner);
  const [first] = completionsOf([lent[0]!.index]);
  const garbage = { completions: [{ ...first!, probs: Buffer.alloc(400).toString('base64') }] };
  await expect(learner.deliver(id, garbage)).rejects.toThrow(/refuses this worker: request \d+ has 100 probabilities/);
  await expect(learner.poll({}, never)).rejects.toThrow(/refuses this worker: request \d+ has 100 probabilities/);
  expect(await generating).toEqual(expected);
  expect(said).toHaveBeenCalledWith(expect.stringMatching(/^rollout worker 127.0.0.1:\d+ is refused: /));
});

test('lies that look like completions are found out by the one that the learner samples, too', async () => {
  serve();
  const learner = await join(9);
  const generating = server.generate(requests);
  const { lease: id, requests: lent } = await lease(learner);
  const lies = lent.map(({ index }) => {
    const { probs, ...completion } = expected[index]!;
    return encodeCompletion({ index, completion: { ...completion, probs: probs.map((prob) => prob * 0.999) } });
  });
  await learner.deliver(id, { completions: lies });
  expect(await generating).toEqual(expected);
  expect(said).toHaveBeenCalledWith(expect.stringContaining(`is refused: ${differs}`));
  await expect(learner.poll({}, never)).rejects.toThrow('the learner refuses this worker');
});

test('a worker that leaves gives back what it has at once', async () => {
  engine.msPerCompletion = 20;
  serve();
  const learner = await join(1000);
  const generating = server.generate(requests);
  await lease(learner);
  await learner.leave();
  const other = await join(1000);
  const { lease: id, requests: lent } = await lease(other);
  expect(lent.length).toBeGreaterThan(30);
  await other.deliver(id, { completions: completionsOf(lent.map(({ index }) => index)) });
  expect(await generating).toEqual(expected);
});

test('parameters that change while they are read are not taken for whole', async () => {
  engine.parameters.fill(1);
  const large = new FakeEngine(0, 30_000_000);
  server.serve({ engine: large, config: {}, limits });
  const learner = await join();
  const polling = learner.poll({}, never);
  const slow = new FakeEngine(20);
  large.generateFree = (...args) => slow.generateFree(...args);
  const generating = server.generate(requests);
  const answer = await polling;
  if (answer.kind !== 'update') throw new Error('expected an update');
  const reading = learner.readParameters(answer.version, inPieces(new Uint8Array(120_000_000)), never);
  await sleep(10);
  large.parametersVersion++;
  await expect(reading).rejects.toThrow('the parameters were cut off');
  await expect(learner.readParameters(answer.version, inPieces(new Uint8Array(8)), never)).rejects.toThrow(OverError);
  await generating;
});

test('workers hear that the stage is done, also those that come a moment later', async () => {
  serve();
  const [a, b] = [await join(), await join()];
  const polling = a.poll({}, never);
  await sleep(20);
  const closing = server.close({ done: true });
  await expect(polling).rejects.toThrow(StageDoneError);
  await expect(b.poll({}, never)).rejects.toThrow(StageDoneError);
  await closing;
  await expect(a.poll({}, never)).rejects.toThrow('does not answer');
});

test('another token is refused', async () => {
  serve();
  const registering = new LearnerClient(url, `${token}s`).register({ engine: versions, threads: 1 });
  await expect(registering).rejects.toThrow(/another token$/);
});

test('a worker whose bits would differ is refused with the reason', async () => {
  serve();
  const registering = client().register({ engine: { node: '24', instructions: 'avx2 avx512f' }, threads: 1 });
  await expect(registering).rejects.toThrow(
    "completions would differ in their bits: instructions is avx2 avx512f, the learner's is avx2",
  );
});

test('before the model is loaded workers are asked to come again', async () => {
  await expect(client().register({ engine: versions, threads: 1 })).rejects.toThrow('answered 503');
});

const authorized = { authorization: `Bearer ${token}` };
test.each([
  { name: 'no token', method: 'POST', path: '/v1/workers', headers: {}, body: '{}', status: 401 },
  { name: 'no JSON', method: 'POST', path: '/v1/workers', headers: authorized, body: '{', status: 400 },
  {
    name: 'a wrong type',
    method: 'POST',
    path: '/v1/workers',
    headers: authorized,
    body: '{"threads": -1}',
    status: 400,
  },
  { name: 'a long body', method: 'POST', path: '/v1/workers', headers: authorized, body: ' '.repeat(1e6), status: 413 },
  { name: 'an unknown path', method: 'GET', path: '/../../etc/passwd', headers: authorized, body: '', status: 404 },
  { name: 'an unknown method', method: 'PUT', path: '/v1/workers', headers: authorized, body: '', status: 404 },
  {
    name: 'an unknown worker',
    method: 'POST',
    path: '/v1/leases',
    headers: authorized,
    body: '{"worker": "0"}',
    status: 404,
  },
  { name: 'an unknown lease', method: 'POST', path: '/v1/leases/0', headers: authorized, body: '{}', status: 404 },
  { name: 'an unknown version', method: 'GET', path: '/v1/parameters/0-1', headers: authorized, body: '', status: 404 },
  {
    name: 'a prototype',
    method: 'POST',
    path: '/v1/workers',
    headers: authorized,
    body: '{"__proto__": {"threads": 1}}',
    status: 400,
  },
])('$name is answered with $status', async ({ method, path, headers, body, status }) => {
  serve();
  expect(await send(method, path, headers, body)).toBe(status);
  expect(await server.generate(requests.slice(0, 2))).toEqual(expected.slice(0, 2));
});

describe('a learner that accepts a mismatch', () => {
  const other = { ...versions, instructions: 'neon' };
  beforeEach(async () => {
    await server.close({ done: false });
    const options = {
      port: 0,
      host: '127.0.0.1',
      token,
      versions: { ...versions, trainer: 'ab' },
      accept: 'mismatch',
    } as const;
    server = await RolloutServer.listen({ ...options, onActivity: () => undefined });
    url = new URL(`http://127.0.0.1:${(server.address as AddressInfo).port}`);
    serve();
  });

  test('takes rollouts from a worker of other versions as they are, and says by what it differs', async () => {
    const learner = client();
    await learner.register({ engine: { ...other, trainer: 'ab' }, threads: 3 });
    const generating = server.generate(requests, 'mismatch');
    const { lease: id, requests: lent } = await lease(learner);
    const otherwise = lent.map(({ index }) => {
      const { probs, ...completion } = expected[index]!;
      return encodeCompletion({ index, completion: { ...completion, probs: probs.map((prob) => prob * 1.001) } });
    });
    await learner.deliver(id, { completions: otherwise });
    const completions = await generating;
    expect(completions.map(({ tokenIds }) => tokenIds)).toEqual(expected.map(({ tokenIds }) => tokenIds));
    const fromThere = completions.filter(({ probs }, index) => probs[0] !== expected[index]!.probs[0]);
    expect(fromThere).toHaveLength(lent.length);
    const [told] = said.mock.calls.flat();
    expect(told).toMatch(
      /joined with 3 threads; its completions differ in their bits: instructions is neon, the learner's is avx2$/,
    );
  });

  test('asks it for nothing that is no rollout', async () => {
    const learner = client();
    await learner.register({ engine: { ...other, trainer: 'ab' }, threads: 9 });
    const polling = learner.poll({}, never);
    expect(await server.generate(requests)).toEqual(expected);
    expect(engine.sampled).toBe(requests.length);
    const rollout = server.generate(requests, 'mismatch');
    expect(await polling).toMatchObject({ kind: 'update' });
    await rollout;
  });

  test('refuses one of another trainer', async () => {
    await expect(client().register({ engine: { ...other, trainer: 'cd' }, threads: 1 })).rejects.toThrow(
      /refuses this worker: completions would differ in their bits: .*trainer is cd, the learner's is ab/,
    );
  });
});

test('a port that is taken is a failure of the surroundings', async () => {
  const again = RolloutServer.listen({
    port: (server.address as AddressInfo).port,
    host: '127.0.0.1',
    token,
    versions,
    onActivity: () => undefined,
  });
  await expect(again).rejects.toMatchObject({ reason: 'unavailable' });
});

/** Without `fetch`, which tidies paths. */
function send(
  method: string,
  path: string,
  headers: Record<string, string>,
  body: string,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sending = request({ port: url.port, host: url.hostname, method, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sending.on('error', reject);
    sending.end(body);
  });
}
