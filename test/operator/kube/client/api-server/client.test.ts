import { expect, test } from '@jest/globals';
import { configMaps, pods } from '../../../../../operator/kube/client/resources.ts';
import { describeCluster } from '../../../../cluster/support/describe-cluster.ts';
import { useConnections } from './connections.ts';

const { connect } = useConnections();

describeCluster('the client', (cluster) => {
  test('applies a status, of this object and no other, as long as nobody has changed it', async () => {
    const client = connect(cluster().kubeconfig);
    const metadata = { namespace: await cluster().namespace(), name: 'x' };
    const containers = [{ name: 'c', image: 'kwok/run' }];
    const pod = await client.create(pods, { metadata, spec: { containers, nodeName: 'nowhere' } });
    const running = await client.applyStatus(pods, pod, { phase: 'Running', message: 'm' });
    const { status } = await client.applyStatus(pods, running, { phase: 'Failed' });
    expect([status?.phase, status?.message]).toEqual(['Failed', undefined]);
    await expect(client.applyStatus(pods, running, { phase: 'Running' })).rejects.toMatchObject({ status: 409 });
    const another = { ...pod, metadata: { ...pod.metadata, uid: '0a0a0a0a-0000-4000-8000-000000000000' } };
    await expect(client.applyStatus(pods, another, { phase: 'Running' })).rejects.toMatchObject({ status: 409 });
    await client.delete(pods, metadata);
    await expect(client.applyStatus(pods, pod, { phase: 'Running' })).rejects.toMatchObject({ status: 404 });
  });

  test('creates, reads, patches, replaces and deletes', async () => {
    const client = connect(cluster().kubeconfig);
    const name = { namespace: await cluster().namespace(), name: 'x' };
    const created = await client.create(configMaps, { metadata: name, data: { a: '1' } });
    expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-.*Z$/);

    await client.mergePatch(configMaps, name, { metadata: { labels: { l: 'v' } }, data: { a: null, b: 'ü' } });
    const read = await client.get(configMaps, name);
    expect([read.data, read.metadata.labels]).toEqual([{ b: 'ü' }, { l: 'v' }]);

    await client.replace(configMaps, { ...read, data: { d: '1' } });
    await expect(client.replace(configMaps, read)).rejects.toMatchObject({ status: 409, reason: 'Conflict' });
    await expect(client.create(configMaps, { metadata: { ...name, name: 'Not A Name' } })).rejects.toMatchObject({
      status: 422,
      reason: 'Invalid',
    });
    await expect(client.delete(configMaps, name, 'another uid')).rejects.toMatchObject({
      status: 409,
      reason: 'Conflict',
    });
    const another = { ...created, metadata: { ...created.metadata, uid: '0a0a0a0a-0000-4000-8000-000000000000' } };
    await expect(client.mergePatch(configMaps, another.metadata, { data: {} })).rejects.toThrow(/uid/i);
    await client.delete(configMaps, name, read.metadata.uid);
    await expect(client.get(configMaps, name)).rejects.toMatchObject({ status: 404, reason: 'NotFound' });
    await expect(client.log(name.namespace, 'nobody')).rejects.toThrow('pods "nobody" not found');
  });

  test('lists page by page', async () => {
    const client = connect(cluster().kubeconfig);
    const namespace = await cluster().namespace();
    for (const name of ['a', 'b', 'c']) await client.create(configMaps, { metadata: { namespace, name } });
    const first = await client.list(configMaps, namespace, { limit: 2 });
    const second = await client.list(configMaps, namespace, { limit: 2, continue: first.continueToken });
    expect([...first.items, ...second.items].map(({ metadata }) => metadata.name)).toEqual([
      'a',
      'b',
      'c',
      'kube-root-ca.crt',
    ]);
    expect(second.continueToken).toBeUndefined();
  });
});
