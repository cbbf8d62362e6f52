import { expect, test } from '@jest/globals';
import { EventRecorder } from '../../../../../operator/kube/client/events.ts';
import { configMaps, events, pods } from '../../../../../operator/kube/client/resources.ts';
import { describeCluster } from '../../../../cluster/support/describe-cluster.ts';
import { useConnections } from './connections.ts';

const { connect } = useConnections();

const mustNotFail = (error: unknown) => expect(error).toBeUndefined();
const onDrop = () => expect('an event').toBe('written');

describeCluster('events', (cluster) => {
  test('are what kubectl describe shows, and are not repeated', async () => {
    const client = connect(cluster().kubeconfig);
    const namespace = await cluster().namespace();
    const pod = await client.create(pods, {
      metadata: { namespace, name: 'x' },
      spec: { nodeName: 'nowhere', containers: [{ name: 'c', image: 'none' }] },
    });
    const recorder = new EventRecorder({ client, onError: mustNotFail, onDrop });
    for (let i = 0; i < 3; i++) {
      recorder.record(pods, pod, { type: 'Warning', reason: 'AttemptFailed', message: 'attempt 1: out of memory' });
    }
    recorder.record(pods, pod, { type: 'Normal', reason: 'Retrying', message: 'x'.repeat(5000) });
    await recorder.flush();
    const described = await cluster().kubectl('describe', 'pod', 'x', '-n', namespace);
    expect(described).toMatch(/Warning +AttemptFailed +\S+ +r1-operator +attempt 1: out of memory/);
    expect(described.match(/AttemptFailed/g)).toHaveLength(1);
    expect(described).toMatch(/Retrying +\S+ +r1-operator +x{1023}…/);
  });

  test('of good news are dropped when there are too many, those of bad news never', async () => {
    const client = connect(cluster().kubeconfig);
    const namespace = await cluster().namespace();
    const object = await client.create(configMaps, { metadata: { namespace, name: 'x' } });
    let dropped = 0;
    const recorder = new EventRecorder({ client, onError: mustNotFail, onDrop: () => dropped++ });
    for (let i = 0; i < 100; i++) {
      recorder.record(configMaps, object, { type: 'Normal', reason: 'Completed', message: `${i} steps` });
      recorder.record(configMaps, object, { type: 'Warning', reason: 'AttemptFailed', message: `attempt ${i}` });
    }
    await recorder.flush();
    const { items } = await client.list(events, namespace);
    const written = Object.groupBy(items, ({ type }) => type ?? '');
    expect(written['Warning']).toHaveLength(100);
    expect(written['Normal']).toHaveLength(100 - dropped);
    expect(dropped).toBeGreaterThan(20);
  });

  test('that cannot be written are lost and reported', async () => {
    const client = connect(cluster().kubeconfig);
    const namespace = await cluster().namespace();
    const object = await client.create(configMaps, { metadata: { namespace, name: 'x' } });
    const errors: unknown[] = [];
    const recorder = new EventRecorder({ client, onError: (error) => errors.push(error), onDrop });
    const metadata = { ...object.metadata, namespace: 'there-is-no-such' };
    recorder.record(configMaps, { ...object, metadata }, { type: 'Normal', reason: 'X', message: 'y' });
    await recorder.flush();
    expect(errors).toHaveLength(1);
  });
});
