import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { WatchEnd, WatchTiming } from '../../../../../operator/kube/client/list-watch.ts';
import { Informer } from '../../../../../operator/kube/client/informer.ts';
import { configMaps, type ConfigMap } from '../../../../../operator/kube/client/resources.ts';
import { describeCluster } from '../../../../cluster/support/describe-cluster.ts';
import { eventually } from '../../../../support/eventually.ts';
import { useConnections } from './connections.ts';

const { connect, startProxy, onEnd } = useConnections();

const timing: Partial<WatchTiming> = { silenceMs: 100_000, backoffMs: [20, 200] };

describeCluster('an informer', (cluster) => {
  async function follow(overrides: Partial<WatchTiming> = {}) {
    const proxy = await startProxy(cluster());
    const direct = connect(cluster().kubeconfig);
    const namespace = await cluster().namespace();
    const changes: string[] = [];
    const restarts: WatchEnd[] = [];
    const informer = new Informer<ConfigMap>({
      client: connect(proxy.kubeconfig),
      kind: configMaps,
      namespaces: [namespace],
      labelSelector: 'watched',
      timing: { ...timing, ...overrides },
      onRestart: (_, why) => restarts.push(why),
    });
    informer.onChange((before, after) => {
      changes.push(`${before?.data?.['v'] ?? '·'} → ${after?.data?.['v'] ?? '·'}`);
    });
    onEnd(() => informer.stop());
    await informer.start();
    return {
      proxy,
      changes,
      restarts,
      write: (name: string, v: string) =>
        direct
          .mergePatch(configMaps, { namespace, name }, { data: { v } })
          .catch(() =>
            direct.create(configMaps, { metadata: { namespace, name, labels: { watched: '' } }, data: { v } }),
          ),
      remove: (name: string) => direct.delete(configMaps, { namespace, name }),
    };
  }

  test('sees each change', async () => {
    const { changes, write, remove } = await follow();
    await write('x', '1');
    await eventually(() => expect(changes).toEqual(['· → 1']));
    await write('x', '2');
    await remove('x');
    await eventually(() => expect(changes).toEqual(['· → 1', '1 → 2', '2 → ·']));
  });

  test('goes on where it was when its connection is cut', async () => {
    const { proxy, changes, restarts, write } = await follow();
    await write('x', '1');
    await eventually(() => expect(changes).toHaveLength(1));
    expect(proxy.cutWatches()).toBe(1);
    await write('x', '2');
    await write('x', '3');
    await eventually(() => expect(changes).toEqual(['· → 1', '1 → 2', '2 → 3']));
    expect(restarts).toEqual(['failed']);
    expect(proxy.requests.filter(({ watch }) => !watch)).toHaveLength(1);
  });

  test('lists again when its version is too old, and tells the difference', async () => {
    const { proxy, changes, restarts, write, remove } = await follow();
    await write('gone', '1');
    await write('stays', '1');
    await eventually(() => expect(changes).toHaveLength(2));
    const shut = proxy.add({ when: ({ watch }) => watch, fault: { answer: 503 } });
    proxy.cutWatches();
    await remove('gone');
    await write('new', '2');
    proxy.add({ when: ({ watch }) => watch, fault: { watchError: 410 }, times: 1 });
    shut();
    await eventually(() => expect(changes.slice(2)).toEqual(['1 → ·', '· → 2']));
    expect(restarts.at(-1)).toBe('expired');
  });

  test('asks again after 429 and 500', async () => {
    const { proxy, changes, write } = await follow();
    proxy.add({ when: () => true, fault: { answer: 429, retryAfterSeconds: 1 }, times: 1 });
    proxy.add({ when: () => true, fault: { answer: 500 }, times: 3 });
    proxy.cutWatches();
    await write('x', '1');
    await eventually(() => expect(changes).toEqual(['· → 1']));
  });

  test('hears what happened while nothing came through and nothing was closed', async () => {
    const { proxy, changes, restarts, write } = await follow({ silenceMs: 400 });
    proxy.hush(true);
    await write('x', '1');
    await sleep(600);
    expect(changes).toEqual([]);
    proxy.hush(false);
    await eventually(() => expect(changes).toEqual(['· → 1']));
    expect(restarts).toContain('silent');
  });
});
