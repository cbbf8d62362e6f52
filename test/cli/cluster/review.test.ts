import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, connect } from 'node:net';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { decideStage } from '../../../operator/core/stage/decide-stage.ts';
import { reviewSecretName } from '../../../operator/core/names.ts';
import { ReviewServer } from '../../../trainer/review/review-server.ts';
import { r1 } from '../../support/cli.ts';
import { openSums } from '../../support/review.ts';
import { useSharedDirectory } from '../../support/shared-directory.ts';
import { stageOf } from '../../support/stage-objects.ts';

/** The part of `ws` that stands in for a kubelet here. */
interface WebSockets {
  readonly WebSocketServer: new (options: object) => {
    on(event: 'connection', listener: (socket: WebSocketEnd) => void): void;
    close(): void;
  };
}
interface WebSocketEnd {
  on(event: 'message', listener: (data: Buffer) => void): void;
  on(event: 'close', listener: () => void): void;
  send(data: Buffer): void;
  close(): void;
}
const { WebSocketServer } = createRequire(import.meta.url)('ws') as WebSockets;

const token = 'a-token-of-the-stage';
const progress = {
  type: 'progress',
  time: '2026-01-01T12:00:00Z',
  step: 0,
  steps: 3,
  phase: 'review',
  metrics: {},
} as const;

const stage = stageOf(
  `inputs: [{stage: samples, path: a/attempt-1/data, digest: ${'ab'.repeat(32)}}]\nreview: {data: samples}`,
);
const labels = {
  'r1.dev/pipeline': 'sums',
  'r1.dev/stage': 'zero',
  'r1.dev/attempt': '1',
  'app.kubernetes.io/component': 'trainer',
};
const pod = {
  metadata: {
    name: 'sums-zero-1-abcde',
    namespace: 'team',
    uid: 'p',
    creationTimestamp: '2026-01-01T11:00:00Z',
    labels,
  },
  spec: { containers: [{ name: 'trainer' }] },
  status: { phase: 'Running', containerStatuses: [{ name: 'trainer', state: { running: {} } }] },
};

const directory = useSharedDirectory();
let page: ReviewServer;
let api: Server;
let isWaiting: boolean;
const forwarded: string[] = [];

beforeAll(async () => {
  page = await ReviewServer.listen(openSums(directory()), { host: '127.0.0.1', port: 0, token });
  api = createServer((request, response) => {
    const path = (request.url ?? '').replace(/\?.*/, '');
    const body = answers()[path];
    response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(body ?? { kind: 'Status', code: 404, reason: 'NotFound', message: `${path} not found` }),
    );
  });
  asKubelet(api, page);
  await once(api.listen(0, '127.0.0.1'), 'listening');
  const { port } = api.address() as AddressInfo;
  await writeFile(
    join(directory(), 'kubeconfig'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'fake',
      clusters: [{ name: 'fake', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'me', user: {} }],
      contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'me', namespace: 'team' } }],
    }),
  );
});
afterAll(async () => {
  await page.close();
  api.closeAllConnections();
  api.close();
});
beforeEach(() => {
  isWaiting = true;
});

function listOf(item: object): object {
  return { metadata: { resourceVersion: '1' }, items: [item] };
}

/** What the API server has, by path. */
function answers(): Record<string, object> {
  const attempts = [{ number: 1, state: 'running', startedAt: 0, gpus: 0, ...(isWaiting && { progress }) } as const];
  const { status } = decideStage({ now: Date.now(), stage, attempts });
  const pipeline = { metadata: { name: 'sums', namespace: 'team' }, spec: { stages: [{ name: 'zero', review: {} }] } };
  const secret = reviewSecretName(stage.metadata.name, stage.metadata.uid ?? '');
  return {
    '/apis/r1.dev/v1alpha1/namespaces/team/r1pipelines/sums': pipeline,
    '/apis/r1.dev/v1alpha1/namespaces/team/r1stages': listOf({ ...stage, status }),
    '/api/v1/namespaces/team/pods': listOf(pod),
    [`/api/v1/namespaces/team/secrets/${secret}`]: {
      metadata: { name: secret },
      data: { 'review-token': Buffer.from(token).toString('base64') },
    },
  };
}

/**
 * Forwards ports as kubelets do: each message begins with the number of its channel, 0 for data and 1 for errors, and the first of
 * each channel is the port.
 */
function asKubelet(server: Server, target: ReviewServer): void {
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'v4.channel.k8s.io' });
  server.on('upgrade', ({ url }) => void forwarded.push(url ?? ''));
  sockets.on('connection', (tunnel) => {
    const [data, errors] = [0, 1];
    const port = Buffer.alloc(2);
    for (const channel of [data, errors]) tunnel.send(Buffer.concat([Buffer.from([channel]), port]));
    const socket = connect(target.port, '127.0.0.1');
    socket.on('data', (chunk: Buffer) => tunnel.send(Buffer.concat([Buffer.from([data]), chunk])));
    socket.on('close', () => tunnel.close());
    tunnel.on('message', (message) => void (message[0] === data && socket.write(message.subarray(1))));
    tunnel.on('close', () => socket.destroy());
  });
}

function review(args: readonly string[], onStdout?: (text: string, child: ChildProcess) => void) {
  return r1(['review', 'sums/zero', '--kubeconfig', 'kubeconfig', ...args], {
    cwd: directory(),
    ...(onStdout && { onStdout }),
  });
}

test('the page of a pod is reached at a local address with the token of the Secret, until Ctrl-C', async () => {
  let rows: Promise<{ rows: object[] }> | undefined;
  const { code, stdout, stderr } = await review([], (text, child) => {
    const address = /http:\/\/(.*)\/#(.*)/.exec(text);
    if (!address || rows) return;
    rows = askRows(`http://${address[1]}`, address[2] ?? '').finally(() => child.kill('SIGINT'));
  });
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  expect(stdout).toMatch(
    /^waits for a person: 0 of 3 rows are decided .*\nhttp:\/\/127\.0\.0\.1:2\d{4}\/#a-token-of-the-stage\nCtrl-C ends the forwarding/,
  );
  expect((await rows)?.rows).toHaveLength(3);
  expect(forwarded[0]).toBe('/api/v1/namespaces/team/pods/sums-zero-1-abcde/portforward?ports=7071');
});

async function askRows(origin: string, key: string): Promise<{ rows: object[] }> {
  const response = await fetch(`${origin}/api/rows`, { headers: { authorization: `Bearer ${key}` } });
  return (await response.json()) as { rows: object[] };
}

test('rows come out of a pod, and decisions go in, or are refused with their lines', async () => {
  expect(await review(['--export', 'rows.jsonl'])).toMatchObject({ code: 0, stderr: '' });
  const rows = await readFile(join(directory(), 'rows.jsonl'), 'utf8');
  expect(rows.trim().split('\n')).toHaveLength(3);
  await writeFile(join(directory(), 'rows.jsonl'), rows.replace('"decision":null', '"decision":"accept"'));
  const nameless = await review(['--import', 'rows.jsonl']);
  expect(nameless.code).toBe(64);
  expect(nameless.stderr).toMatch(
    /^r1: rows\.jsonl:1: reviewer: expected the name of a person.*\nnothing was imported\n$/,
  );
  const imported = await review(['--import', 'rows.jsonl', '--reviewer', 'Ada']);
  expect(imported.stdout).toBe('1 decisions imported; lines without a decision: 2; 2 of 3 rows wait for a person\n');
});

test('a stage that waits for nobody is refused with what it does', async () => {
  isWaiting = false;
  const { code, stderr } = await review([]);
  expect(code).toBe(64);
  expect(stderr).toBe(
    'r1: context fake, namespace team: stage zero of sums waits for nobody; it is Running: attempt 1 runs\n',
  );
});
