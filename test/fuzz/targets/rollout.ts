import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import {
  answer,
  decodeLease,
  encodeCompletion,
  paths,
  workerHeader,
} from '../../../trainer/rollout/remote/protocol.ts';
import { RolloutServer } from '../../../trainer/rollout/remote/server.ts';
import { FakeEngine, fakeCompletion, fakeRequests, limits } from '../../trainer/rollout/remote/fake-engine.ts';
import { damagedJsonFile } from '../mutations.ts';
import type { FuzzTarget } from '../target.ts';

const token = 'a token of no importance';
const versions = { node: '24' };
const requests = fakeRequests(4);

const registration = { engine: versions, threads: 2 };
const delivery = {
  completions: requests.map((one, index) => encodeCompletion({ index, completion: fakeCompletion(one) })),
};
const lease = {
  kind: 'lease',
  lease: 'a0',
  prompts: [[1, 5, 7]],
  stops: [{ texts: ['ab'], pieces: [[5, 'a']] }],
  requests: [
    { index: 0, prompt: 0, key: [1, 2], sampling: { temperature: 1, topP: 1, topK: 0, maxNewTokens: 4 }, stopIds: [9] },
  ],
};

/** Bodies that somebody with the token sends to the learner; it must answer in words and go on. */
export const rolloutServer: FuzzTarget = {
  name: 'rollout protocol, learner',
  mostMiB: 500,
  inputs: () => damagedJsonFile([registration, delivery, { version: '0a-1' }]),
  async open() {
    const { error } = console;
    console.error = () => undefined; // who is refused is told there, a line each
    const server = await RolloutServer.listen({
      port: 0,
      host: '127.0.0.1',
      token,
      versions,
      onActivity: () => undefined,
    });
    server.serve({ engine: new FakeEngine(), config: { model_type: 'qwen3' }, limits });
    const { port } = server.address as AddressInfo;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const post = (path: string, body: Uint8Array, worker?: string): Promise<{ status: number; text: string }> =>
      new Promise((resolve, reject) => {
        const headers = { authorization: `Bearer ${token}`, ...(worker !== undefined && { [workerHeader]: worker }) };
        const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
          );
        });
        sent.on('error', reject);
        sent.end(body);
      });
    const first = await post(paths.workers, Buffer.from(JSON.stringify(registration)));
    const { worker } = JSON.parse(first.text) as { worker: string };
    return {
      async read(input) {
        for (const [path, name] of [[paths.workers], [`${paths.leases}/a0`, worker]] as const) {
          const { status, text } = await post(path, input, name);
          // 503: as many workers have come as it takes.
          const inWords = (status < 500 || status === 503) && typeof JSON.parse(text) === 'object';
          if (!inWords) throw new Error(`${path}: answered ${status} ${text}`);
        }
      },
      async close() {
        console.error = error;
        agent.destroy();
        await server.close({ done: false });
      },
    };
  },
};

/** What a worker reads that may have found another server than a learner. */
export const rolloutAnswer: FuzzTarget = {
  name: 'rollout protocol, worker',
  mostMiB: 400,
  inputs: () => fc.oneof(damagedJsonFile([lease, { kind: 'update', version: '0a-1' }, { kind: 'wait' }])),
  async open() {
    return {
      read(input) {
        let json: unknown;
        try {
          json = JSON.parse(Buffer.from(input).toString());
        } catch {
          return;
        }
        const { data } = answer.safeParse(json);
        if (data?.kind === 'lease') decodeLease(data);
      },
    };
  },
};
