import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, test } from '@jest/globals';
import { ApiError, ConnectionError, isConflict } from '../../../../operator/kube/client/api-error.ts';
import { KubeClient } from '../../../../operator/kube/client/client.ts';
import { configMaps, jobs, leases, pathOf } from '../../../../operator/kube/client/resources.ts';
import type { RequestRecord } from '../../../../operator/kube/client/transport.ts';
import { answerJson, answerStatus, FakeApi } from '../../../support/fake-api.ts';
import { useTemporaryDirectory } from '../../../support/temporary-directory.ts';
import { inOrder, object, ok } from './answers.ts';

const directory = useTemporaryDirectory();

test.each([
  { path: pathOf(configMaps, 'team'), expected: '/api/v1/namespaces/team/configmaps' },
  { path: pathOf(jobs, undefined), expected: '/apis/batch/v1/jobs' },
  { path: pathOf(jobs, 'team', 'train', 'status'), expected: '/apis/batch/v1/namespaces/team/jobs/train/status' },
  { path: pathOf(leases, 'a/b', '..?'), expected: '/apis/coordination.k8s.io/v1/namespaces/a%2Fb/leases/..%3F' },
])('$expected', ({ path, expected }) => {
  expect(path).toBe(expected);
});

describe('what is sent', () => {
  test('a create names the field manager, the type and the sender', async () => {
    await using api = await FakeApi.start(ok());
    await api.client().create(configMaps, { ...object, data: { text: 'ü' } });
    expect(api.requests).toMatchObject([
      {
        method: 'POST',
        path: '/api/v1/namespaces/team/configmaps',
        headers: { 'user-agent': expect.stringMatching(/^r1-operator\/\d/), 'content-type': 'application/json' },
        body: { apiVersion: 'v1', kind: 'ConfigMap', ...object, data: { text: 'ü' } },
      },
    ]);
    expect(api.requests[0]?.query.get('fieldManager')).toBe('r1-operator');
  });

  test('a status is applied as a whole, a merge patch names what it changes', async () => {
    await using api = await FakeApi.start(ok());
    const job = { metadata: { ...object.metadata, uid: 'u', resourceVersion: '1', creationTimestamp: '' } };
    await api.client({ name: 'r1' }).applyStatus(jobs, job, { active: 1 });
    await api.client().mergePatch(configMaps, object.metadata, { data: { gone: null } });
    await api.client().mergePatch(jobs, job.metadata, { metadata: { labels: { l: 'v' } } });
    expect(
      api.requests.map(({ method, path, headers, query }) => [method, path, headers['content-type'], String(query)]),
    ).toEqual([
      [
        'PATCH',
        '/apis/batch/v1/namespaces/team/jobs/x/status',
        'application/apply-patch+yaml',
        'fieldManager=r1&fieldValidation=Ignore&force=true',
      ],
      [
        'PATCH',
        '/api/v1/namespaces/team/configmaps/x',
        'application/merge-patch+json',
        'fieldManager=r1-operator&fieldValidation=Ignore',
      ],
      [
        'PATCH',
        '/apis/batch/v1/namespaces/team/jobs/x',
        'application/merge-patch+json',
        'fieldManager=r1-operator&fieldValidation=Ignore',
      ],
    ]);
    expect(api.requests.map(({ body }) => body)).toEqual([
      {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { namespace: 'team', name: 'x', uid: 'u', resourceVersion: '1' },
        status: { active: 1 },
      },
      { data: { gone: null } },
      { metadata: { labels: { l: 'v' }, uid: 'u' } },
    ]);
  });

  test('a delete is in the background, and of one object alone when its uid is given', async () => {
    await using api = await FakeApi.start(ok());
    await api.client().delete(configMaps, object.metadata, 'uid-1');
    expect(api.requests).toMatchObject([
      { method: 'DELETE', body: { propagationPolicy: 'Background', preconditions: { uid: 'uid-1' } } },
    ]);
  });

  test('a server may live below a path', async () => {
    await using api = await FakeApi.start(ok());
    const config = new KubeConfig();
    const server = `${api.config.getCurrentCluster()?.server}/k8s/clusters/c-1/`;
    config.loadFromClusterAndUser({ name: 'c', server, skipTLSVerify: false }, { name: 'u' });
    const client = new KubeClient(config);
    await client.get(configMaps, object.metadata);
    await client.close();
    expect(api.requests[0]?.path).toBe('/k8s/clusters/c-1/api/v1/namespaces/team/configmaps/x');
  });

  test('logs come as text', async () => {
    await using api = await FakeApi.start((_, response) => void response.end('line\n{"step":1}\n'));
    await expect(api.client().log('team', 'pod', { container: 'trainer', tailLines: 5 })).resolves.toBe(
      'line\n{"step":1}\n',
    );
    expect(`${api.requests[0]?.path}?${String(api.requests[0]?.query)}`).toBe(
      '/api/v1/namespaces/team/pods/pod/log?container=trainer&tailLines=5',
    );
  });
});

describe('errors', () => {
  test('a conflict is no "already exists", and the other way round', () => {
    expect(isConflict(new ApiError(409, 'Conflict', ''))).toBe(true);
    expect(isConflict(new ApiError(409, 'AlreadyExists', ''))).toBe(false);
  });

  test('something that is no API server is quoted', async () => {
    await using api = await FakeApi.start((_, response) => void response.writeHead(404).end('<html>not here</html>'));
    await expect(api.client().get(configMaps, object.metadata)).rejects.toThrow(
      'GET /api/v1/namespaces/team/configmaps/x: status 404: <html>not here</html>',
    );
    await expect(api.client().find(configMaps, object.metadata)).resolves.toBeUndefined();
  });

  test('nobody listens', async () => {
    const api = await FakeApi.start(ok());
    const client = api.client();
    await api.close();
    const again = new KubeClient(api.config, { retryMs: 1 });
    await expect(again.get(configMaps, object.metadata)).rejects.toThrow(/GET .*ECONNREFUSED/);
    await Promise.all([client.close(), again.close()]);
  });

  test('a server that does not answer in time, for a write and for a stream', async () => {
    await using api = await FakeApi.start(() => undefined);
    const client = api.client();
    const never = new AbortController().signal;
    await expect(client.request({ method: 'POST', path: '/x', body: {}, timeoutMs: 50 })).rejects.toThrow(
      ConnectionError,
    );
    await expect(client.stream('/x', {}, never, 50)).rejects.toThrow('no answer within 50 ms');
  });

  test('a server that does not even shake hands in time', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const config = new KubeConfig();
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    config.loadFromClusterAndUser({ name: 'c', server: url, skipTLSVerify: true }, { name: 'u' });
    const client = new KubeClient(config);
    const asking = client.request({ method: 'POST', path: '/x', body: {}, timeoutMs: 50 });
    await expect(asking).rejects.toThrow(ConnectionError);
    await expect(asking).rejects.toThrow('no answer within 50 ms'); // the HTTP library would wait for ten seconds
    await client.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test('whoever gives up gets its own reason, at once, also between two tries', async () => {
    await using api = await FakeApi.start((_, response) => answerStatus(response, 500, 'InternalError'));
    const signal = AbortSignal.timeout(50);
    const client = api.client({ retryMs: 60_000 });
    await expect(client.get(configMaps, object.metadata, signal)).rejects.toThrow(/abort|timeout/i);
  });
});

describe('streams', () => {
  test('may be silent for longer than a request may last, and end by their signal', async () => {
    await using api = await FakeApi.start(async (_, response) => {
      response.writeHead(200).flushHeaders();
      await sleep(1200);
      response.write('late');
    });
    const controller = new AbortController();
    const body = await api.client().stream('/x', {}, controller.signal, 1000);
    const chunks: string[] = [];
    const reading = (async () => {
      for await (const chunk of body) {
        chunks.push(String(chunk));
        controller.abort(new Error('enough'));
      }
    })();
    await expect(reading).rejects.toThrow('enough');
    expect(chunks).toEqual(['late']);
  });

  test('a refusal is an ApiError', async () => {
    await using api = await FakeApi.start((_, response) => answerStatus(response, 410, 'Expired'));
    await expect(api.client().stream('/x', {}, new AbortController().signal)).rejects.toMatchObject({ status: 410 });
  });
});

test('every try is reported with its status', async () => {
  await using api = await FakeApi.start(inOrder((_, response) => void response.destroy(), ok()));
  const records: RequestRecord[] = [];
  await api.client({ onRequest: (record) => records.push(record) }).get(configMaps, object.metadata);
  expect(records).toMatchObject([
    { method: 'GET', path: '/api/v1/namespaces/team/configmaps/x', status: 0, watch: false },
    { method: 'GET', path: '/api/v1/namespaces/team/configmaps/x', status: 200, watch: false },
  ]);
});

test("a pod's token is read again as soon as the old one is refused", async () => {
  const tokenFile = join(directory(), 'token');
  await writeFile(tokenFile, 'old\n');
  let valid = 'Bearer old';
  await using api = await FakeApi.start(({ headers }, response) => {
    if (headers.authorization === valid) answerJson(response, object);
    else answerStatus(response, 401, 'Unauthorized');
  });
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'inCluster', server: api.config.getCurrentCluster()?.server ?? '', skipTLSVerify: false },
    { name: 'inClusterUser', authProvider: { name: 'tokenFile', config: { tokenFile } } },
  );
  const client = new KubeClient(config, { retryMs: 1 });
  await client.get(configMaps, object.metadata);
  await writeFile(tokenFile, 'new\n');
  valid = 'Bearer new';
  await expect(client.get(configMaps, object.metadata)).resolves.toEqual(object);
  await client.close();
});
