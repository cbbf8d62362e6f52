import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { annotations } from '../../operator/api/resources/metadata.ts';
import { describeCluster } from './support/describe-cluster.ts';
import { eventually } from './support/eventually.ts';
import { FaultProxy } from './support/fault-proxy.ts';
import { render } from './support/helm.ts';
import { type RunningOperator, startOperator } from './support/operator.ts';
import { inNamespace, kubeconfigOf } from './support/service-account.ts';
import { announceSkipped, missingPrograms } from './support/tools.ts';
import { rightOf, rightsIn } from './support/used-rights.ts';

const grpo = { prompts: ['sums'], steps: 1, rewards: [{ accuracy: {} }] };

const missing = missingPrograms(['helm']);
if (missing !== undefined) announceSkipped('tests of the Helm chart', missing);

describeCluster('the rights that the chart gives the operator', (cluster) => {
  let namespace = '';
  let proxy: FaultProxy;
  let operator: RunningOperator;

  beforeAll(async () => {
    if (missing !== undefined) return;
    namespace = await cluster().namespace();
    const { objects } = await render({ watchNamespaces: [namespace] }, namespace);
    const kinds = ['ServiceAccount', 'Role', 'RoleBinding'];
    await cluster().apply(
      objects.filter(({ kind, metadata }) => kinds.includes(kind) && metadata.annotations === undefined),
    );
    proxy = await FaultProxy.start(await kubeconfigOf('r1-operator', namespace, cluster()));
    operator = await startOperator({
      kubeconfig: await inNamespace(proxy.kubeconfig, namespace),
      args: ['--leader-election-id', 'r1-operator', '--namespace', namespace],
    });
  });

  afterAll(async () => {
    await operator?.stop();
    await proxy?.close();
  });

  (missing === undefined ? test : test.skip)('are those that it uses, and no others', async () => {
    const kubectl = (...args: readonly string[]) => cluster().kubectl(...args);
    const inPlace = ['-n', namespace] as const;
    const patch = (name: string, change: object) =>
      kubectl('patch', 'r1pipeline', name, ...inPlace, '--type=merge', '-p', JSON.stringify(change));
    const state = (name: string, wanted: string) =>
      kubectl(
        'wait',
        ...inPlace,
        `--for=jsonpath={.status.display.state}=${wanted}`,
        `r1pipeline/${name}`,
        '--timeout=60s',
      );

    // Whatever was created exists already when it is created again, since the first answer is lost.
    for (const kind of ['configmaps', 'secrets', 'networkpolicies', 'services']) {
      proxy.add({
        when: ({ write, method, path }) => write && method === 'POST' && path.endsWith(`/${kind}`),
        fault: { loseAnswer: true },
        times: 1,
      });
    }
    // Somebody else has made a Job and a stage of the names that are wanted.
    const [job, stage] = ['taken-job', 'taken-stage'].map((name) => ({ name: `${name}-zero`, namespace }));
    const image = 'kwok/succeed';
    await kubectl('create', 'job', `${job?.name}-1`, ...inPlace, `--image=${image}`);
    await cluster().apply([
      { ...pipeline('taken-stage', namespace, image), kind: 'R1Stage', metadata: stage, spec: stageSpec(image) },
    ]);
    await cluster().apply([
      pipeline('taken-job', namespace, image),
      pipeline('taken-stage', namespace, image),
      pipeline('ends', namespace, 'kwok/succeed:5s', { rolloutWorkers: 1 }),
      pipeline('is-suspended', namespace, 'kwok/run'),
      pipeline('is-changed', namespace, 'kwok/run'),
      pipeline('is-queued', namespace, 'kwok/run', { queue: 'nobody' }),
      pipeline('stays-queued', namespace, 'kwok/run', { queue: 'nobody' }),
      pipeline('waits', namespace, 'kwok/no-image'),
      pipeline('is-orphaned', namespace, 'kwok/run'),
      pipeline('has-no-class', namespace, image, { storage: { storageClassName: 'none' } }),
      pipeline('has-no-claim', namespace, image, { storage: { claimName: 'missing' } }),
      pipeline('lets-its-claim-go', namespace, image, { storage: { retention: 'Retain' } }),
    ]);

    await state('is-suspended', 'Running');
    await patch('is-suspended', { spec: { suspend: true } });
    await state('is-changed', 'Running');
    await patch('is-changed', { spec: { defaults: { retry: { crashed: 3 } } } });
    await kubectl('wait', ...inPlace, '--for=create', 'job/waits-zero-1', '--timeout=60s');
    await patch('waits', { spec: { storage: { size: '20Gi' } } });
    await state('is-orphaned', 'Running');
    await kubectl('delete', 'job', 'is-orphaned-zero-1', ...inPlace, '--cascade=orphan', '--wait=false');
    await state('has-no-class', 'VolumeUnavailable');
    await patch('has-no-class', { spec: { storage: { storageClassName: 'hostpath' } } });
    await state('has-no-class', 'Succeeded');
    await state('lets-its-claim-go', 'Succeeded');
    await patch('lets-its-claim-go', { spec: { storage: { retention: 'Delete' } } });
    await kubectl('wait', ...inPlace, '--for=create', 'job/is-queued-zero-1', '--timeout=60s');
    await patch('is-queued', { spec: { suspend: true } });

    await state('ends', 'Succeeded');
    await kubectl('annotate', 'r1pipeline', 'ends', ...inPlace, `${annotations.rerunFrom}=zero`);
    await eventually('the stage runs again', async () => deleted('r1stages'));
    await state('ends', 'Succeeded');
    await patch('ends', { spec: { ttlSecondsAfterFinished: 0 } });
    await eventually('the pipeline is deleted', async () => deleted('r1pipelines'));
    await eventually('a queued Job is deleted', async () => deleted('jobs'));
    await eventually('a pipeline is looked at before its claim may go', async () =>
      used().has('get r1pipelines.r1.dev'),
    );
    await eventually('events of a pod that waits are read', async () => used().has('list events'));
    await eventually('what Kueue says is read', async () => used().has('list workloads.kueue.x-k8s.io'));

    const account = `--as=system:serviceaccount:${namespace}`;
    const list = async (name: string) =>
      rightsIn(await kubectl('auth', 'can-i', '--list', '--no-headers', ...inPlace, `${account}:${name}`));
    const everybodys = await list('default');
    const granted = [...(await list('r1-operator'))].filter((right) => !everybodys.has(right));
    // That a claim cannot grow here is no matter of rights, but of its storage class.
    const forbidden = proxy.requests.filter(({ status }) => status === 403).map(rightOf);
    expect([...new Set(forbidden)]).toEqual(['patch persistentvolumeclaims']);
    expect(granted.toSorted()).toEqual([...used()].toSorted());

    function used(): Set<string> {
      return new Set(proxy.requests.map(rightOf));
    }
    function deleted(plural: string): boolean {
      return proxy.requests.some(
        ({ method, path, status }) => method === 'DELETE' && status === 200 && path.includes(`/${plural}/`),
      );
    }
  });
});

/** The same stage without a pipeline. */
function stageSpec(image: string): object {
  const base = { init: { hiddenSize: 32, layers: 1, heads: 2, kvHeads: 1 } };
  const datasets = [{ name: 'sums', generator: { task: 'addition', digits: 1, rows: 60 } }];
  return { pipeline: 'alone', stage: 'zero', image, model: base, datasets, grpo };
}

/** One stage of reinforcement learning. */
function pipeline(
  name: string,
  namespace: string,
  image: string,
  more: { queue?: string; rolloutWorkers?: number; storage?: object } = {},
): object {
  const { queue, rolloutWorkers = 0, storage = {} } = more;
  return {
    apiVersion: 'r1.dev/v1alpha1',
    kind: 'R1Pipeline',
    metadata: { name, namespace },
    spec: {
      image,
      base: { init: { hiddenSize: 32, layers: 1, heads: 2, kvHeads: 1 } },
      datasets: [{ name: 'sums', generator: { task: 'addition', digits: 1, rows: 60 } }],
      storage,
      defaults: queue === undefined ? {} : { queue },
      stages: [{ name: 'zero', grpo, rolloutWorkers }],
    },
  };
}
