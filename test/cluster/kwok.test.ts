import { expect, test } from '@jest/globals';
import { stageResult } from '../../trainer/contract/files/progress.ts';
import { describeCluster } from './support/describe-cluster.ts';

interface Pod {
  readonly metadata: { readonly labels: Record<string, string> };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase: string;
    readonly reason?: string;
    readonly conditions?: readonly { readonly type: string; readonly message?: string }[];
    readonly containerStatuses?: readonly {
      readonly state: { readonly terminated?: { exitCode: number; reason: string; message?: string } };
    }[];
  };
}

describeCluster('fake nodes', (cluster) => {
  test("end pods as their image's name says", async () => {
    const namespace = await cluster().namespace();
    const images = ['kwok/succeed', 'kwok/exit-64', 'kwok/exit-75-once', 'kwok/oom', 'kwok/evicted'];
    await cluster().apply(images.map((image) => job(namespace, image)));
    await cluster().kubectl('wait', '-n', namespace, '--for=jsonpath={.status.ready}=0', 'job', '--all');
    for (const outcome of ['Complete', 'Failed']) {
      const selector = `outcome=${outcome}`;
      await cluster().kubectl('wait', '-n', namespace, `--for=condition=${outcome}`, 'job', '-l', selector);
    }
    const { items } = JSON.parse(await cluster().kubectl('get', 'pods', '-n', namespace, '-o', 'json')) as {
      items: Pod[];
    };
    const ends = Object.fromEntries(
      items.map(({ metadata, status }) => {
        const { exitCode, reason, message } = status.containerStatuses?.[0]?.state.terminated ?? {};
        const result = message ? stageResult.parse(JSON.parse(message)).reason : undefined;
        return [metadata.labels.image, [status.reason ?? reason, exitCode, result]];
      }),
    );
    expect(ends).toEqual({
      succeed: ['Completed', 0, 'succeeded'],
      'exit-64': ['Error', 64, 'userError'],
      'exit-75-once': ['Error', 75, 'interrupted'],
      oom: ['OOMKilled', 137, undefined],
      evicted: ['Evicted', 137, undefined],
    });
  });

  test('have GPUs in pools, one of them tainted', async () => {
    const namespace = await cluster().namespace();
    const taint = { key: 'nvidia.com/gpu', operator: 'Exists' };
    await cluster().apply([
      job(namespace, 'kwok/run', { name: 'a100', nodeSelector: { pool: 'a100' } }),
      job(namespace, 'kwok/run', { name: 'h100', nodeSelector: { pool: 'h100' }, tolerations: [taint] }),
      job(namespace, 'kwok/run', { name: 'refused', nodeSelector: { pool: 'h100' } }),
    ]);
    await cluster().kubectl('wait', '-n', namespace, '--for=jsonpath={.status.ready}=1', 'job/a100', 'job/h100');
    const refused = ['pod', '-n', namespace, '-l', 'job-name=refused'];
    await cluster().kubectl('wait', '--for=condition=PodScheduled=false', ...refused);
    const { items } = JSON.parse(await cluster().kubectl('get', ...refused, '-o', 'json')) as { items: Pod[] };
    expect(items[0]?.status.conditions?.[0]?.message).toContain('untolerated taint');
  });
});

function job(
  namespace: string,
  image: string,
  { name = image.replace('/', '-'), ...pod }: Record<string, unknown> & { name?: string } = {},
): object {
  const labels = { image: image.replace('kwok/', ''), 'r1.dev/attempt': '1' };
  const outcome = image === 'kwok/succeed' ? 'Complete' : 'Failed';
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace, labels: { outcome } },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          containers: [{ name: 'trainer', image, resources: { limits: { 'nvidia.com/gpu': '1' } } }],
          ...pod,
        },
      },
    },
  };
}
