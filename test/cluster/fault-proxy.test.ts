import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { ControlPlane } from './support/control-plane.ts';
import { describeCluster } from './support/describe-cluster.ts';
import { FaultProxy } from './support/fault-proxy.ts';

describeCluster('the fault proxy', (cluster) => {
  test('passes requests on, counts them, and answers in place of the API server as often as it was told', async () => {
    await using api = await open(cluster());
    api.proxy.add({ when: ({ method }) => method === 'POST', fault: { answer: 429, retryAfterSeconds: 3 }, times: 1 });
    const refused = await api.create('a');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '3']);
    expect((await api.create('a')).status).toBe(201);
    expect(api.proxy.requests.map(({ method, write, status }) => [method, write, status])).toEqual([
      ['POST', true, 429],
      ['POST', true, 201],
    ]);
  });

  test('calls back after a write was executed and before its answer, which it can lose', async () => {
    await using api = await open(cluster());
    api.proxy.add({ when: ({ write }) => write, fault: { loseAnswer: true }, times: 1 });
    let found = 0;
    api.proxy.afterWrite(1, async () => {
      found = (await api.get('a')).status;
    });
    await expect(api.create('a')).rejects.toThrow('fetch failed');
    expect(found).toBe(200);
  });

  test('cuts watches, ends them with 410, and keeps them open and silent', async () => {
    await using api = await open(cluster());
    const cut = await api.watch();
    expect(api.proxy.cutWatches()).toBe(1);
    await expect(cut.text()).rejects.toThrow('terminated');

    api.proxy.add({ when: ({ watch }) => watch, fault: { watchError: 410 }, times: 1 });
    expect(JSON.parse(await (await api.watch()).text())).toMatchObject({ type: 'ERROR', object: { code: 410 } });

    const silent = await api.watch();
    api.proxy.hush(true);
    await cluster().kubectl('create', 'configmap', 'b', '-n', api.namespace);
    const first = silent.body?.getReader().read();
    expect(await Promise.race([first, quiet()])).toBe('nothing');
    api.proxy.hush(false);
    expect(new TextDecoder().decode((await first)?.value)).toContain('"ADDED"');
  });
});

async function open(cluster: ControlPlane) {
  const namespace = await cluster.namespace();
  const proxy = await FaultProxy.start(cluster.kubeconfig);
  const config = parse(readFileSync(proxy.kubeconfig, 'utf8')) as { clusters: { cluster: { server: string } }[] };
  const base = `${config.clusters[0]?.cluster.server}/api/v1/namespaces/${namespace}/configmaps`;
  return {
    proxy,
    namespace,
    get: (name: string) => fetch(`${base}/${name}`),
    create: (name: string) =>
      fetch(base, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ metadata: { name } }),
      }),
    watch: () => fetch(`${base}?watch=true&fieldSelector=metadata.name!=kube-root-ca.crt`),
    [Symbol.asyncDispose]: () => proxy.close(),
  };
}

function quiet(): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(resolve, 300, 'nothing');
  });
}
