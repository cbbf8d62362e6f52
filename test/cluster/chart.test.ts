import { beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatorMetrics } from '../../operator/kube/metrics.ts';
import { stageDefaults } from '../../operator/api/resources/stage-defaults.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';
import { describeCluster } from './support/describe-cluster.ts';
import { chart, helm, type Manifest, offline, render } from './support/helm.ts';
import { schemaLocation, writeJsonSchemas } from './support/json-schemas.ts';
import { run } from './support/run.ts';
import { announceSkipped, clusterProgram, missingPrograms } from './support/tools.ts';

const gpuNodes = {
  nodeSelector: { pool: 'gpu' },
  tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
  runtimeClassName: 'nvidia',
};
const variants: readonly { name: string; values: Record<string, unknown> }[] = [
  { name: 'the defaults', values: {} },
  {
    name: 'everything on',
    values: {
      image: { repository: 'registry.example/r1-operator', digest: `sha256:${'ab'.repeat(32)}` },
      imagePullSecrets: ['registry'],
      trainerImage: 'registry.example/r1-operator:cuda13',
      serviceAccount: { annotations: { team: 'ml' } },
      stageDefaults: { imagePullSecrets: ['registry'], priorityClassName: 'batch' },
      gpuStageDefaults: gpuNodes,
      hubEndpoint: 'https://hub.example',
      tenants: { restricted: true, images: ['registry.example/'], tokenSecrets: ['hub'] },
      replicas: 2,
      podAnnotations: { a: 'b' },
      podLabels: { c: 'd' },
      nodeSelector: { pool: 'system' },
      tolerations: [{ key: 'system', operator: 'Exists' }],
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'topology.kubernetes.io/zone',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: {},
        },
      ],
      priorityClassName: 'system-cluster-critical',
      metrics: {
        serviceMonitor: { enabled: true, interval: '30s', labels: { release: 'p' } },
        dashboard: { enabled: true },
      },
      networkPolicy: { metricsFrom: [{ namespaceSelector: {} }], apiServerPorts: [443, 6443] },
      test: { storageClassName: 'fast' },
    },
  },
  { name: 'a single namespace', values: { watchNamespaces: ['default'], rbac: { aggregate: false } } },
  {
    name: 'what others provide',
    values: {
      crds: { install: false },
      rbac: { create: false, aggregate: false },
      serviceAccount: { create: false, name: 'given' },
      networkPolicy: { enabled: false },
      metrics: { service: { enabled: false } },
    },
  },
];

const directory = useSharedDirectory();
const missing = missingPrograms(['helm', 'kubeconform']);
if (missing !== undefined) announceSkipped('tests of the Helm chart', missing);

(missing === undefined ? describe : describe.skip)('the chart', () => {
  test('passes helm lint', async () => {
    await helm(['lint', '--strict', '--quiet', chart]);
  });

  test('leaves user and groups of all pods to OpenShift', async () => {
    const template = ['template', 'r1-operator', chart, '--namespace', 'r1-system', ...offline];
    const openShift = ['--api-versions', 'security.openshift.io/v1'];
    expect(await helm(template)).not.toMatch(/runAsUser: \d|\\"securityContext\\":/);
    expect(await helm([...template, ...openShift])).toMatch(/stage-defaults.json: ".*\\"securityContext\\":{}/);
    const set = ['--set-json', 'stageDefaults.securityContext={"fsGroup":5}'];
    expect(await helm([...template, ...openShift, ...set])).toMatch(/\\"securityContext\\":{\\"fsGroup\\":5}/);
  });

  test.each([
    { set: 'replica=2', problem: /additional properties 'replica' not allowed/ },
    { set: 'image.tags=1', problem: /additional properties 'tags' not allowed/ },
    { set: 'replicas=0', problem: /replicas/ },
    { set: 'logLevel=loud', problem: /logLevel/ },
    { set: 'gpuStageDefaults.nodeSelectors.a=b', problem: /gpuStageDefaults.*nodeSelectors/s },
    { set: 'metrics.port=8081', problem: /metrics\.port: 8081 is the port of the probes/ },
    { set: 'metrics=null', problem: /missing property 'metrics'/ },
    { set: 'watchNamespaces={Team A}', problem: /watchNamespaces/ },
  ])('refuses --set $set', async ({ set, problem }) => {
    await expect(helm(['template', 'r1-operator', chart, ...offline, '--set', set])).rejects.toThrow(problem);
  });

  test('has the versions of the package', async () => {
    const { version } = JSON.parse(await readFile(join(chart, '../../package.json'), 'utf8')) as { version: string };
    const said = await helm(['show', 'chart', chart]);
    expect(said).toMatch(new RegExp(`^version: ${version}$`, 'm'));
    expect(said).toMatch(new RegExp(`^appVersion: ${version}$`, 'm'));
  });

  test('hands stage defaults to the operator in its own words', async () => {
    const { objects } = await render({ stageDefaults: { priorityClassName: 'batch' }, gpuStageDefaults: gpuNodes });
    const { data } = find(objects, 'ConfigMap', 'r1-operator-stage-defaults') as unknown as {
      data: Record<string, string>;
    };
    expect(stageDefaults.parse(JSON.parse(data['stage-defaults.json'] ?? ''))).toEqual({
      all: { priorityClassName: 'batch' },
      gpu: gpuNodes,
    });
  });

  test('starts the operator with flags that it has', async () => {
    const { values } = variants[1] ?? {};
    const { objects } = await render({ ...values, watchNamespaces: ['team'] });
    const { template } = find(objects, 'Deployment', 'r1-operator').spec as {
      template: { spec: { containers: { args: string[] }[] } };
    };
    const args = template.spec.containers[0]?.args ?? [];
    const main = join(chart, '../../operator/main.ts');
    const help = await run(process.execPath, [main, ...args, '--help'], {});
    const flags = args.map((arg) => arg.replace(/=.*/, ''));
    expect(flags.filter((flag) => !help.includes(`${flag} `))).toEqual([]);
    expect(flags).toEqual(expect.arrayContaining(['--namespace', '--hub-endpoint', '--stage-defaults']));
  });

  const whatTheySaid = [
    'get pipelines',
    'get stages',
    'What first said:',
    'logs first',
    'What second said:',
    'logs second',
  ];

  test.each([
    {
      name: 'passes',
      apply: 'echo trained',
      code: 0,
      says: ['apply', 'trained', 'delete', 'passed: a pipeline of two stages was trained'],
    },
    {
      name: 'fails',
      apply: 'exit 1',
      code: 1,
      says: ['apply', ...whatTheySaid, 'delete', 'FAILED: the pipeline did not succeed'],
    },
    {
      name: 'does not end',
      apply: 'sleep 60',
      code: 124,
      says: ['apply', ...whatTheySaid, 'delete', 'FAILED: the pipeline did not end within 1 seconds'],
    },
  ])(
    'has a test whose one log, where it $name, has what a person needs, and how it ended last',
    async ({ apply, code, says }) => {
      const { objects } = await render({ test: { timeoutSeconds: 1 } });
      const { containers } = find(objects, 'Pod', 'r1-operator-test').spec as { containers: { args: string[] }[] };
      const short = String.raw`sed -E 's/ --(context|namespace|yes).*| -f .*| r1-operator-test//g'`;
      await writeFile(join(directory(), 'r1'), `#!/bin/sh\necho "$*" | ${short}\n[ $1 != apply ] || { ${apply}; }\n`, {
        mode: 0o755,
      });
      const env = { ...process.env, PATH: `${directory()}:${process.env.PATH}` };
      const { status, stdout } = spawnSync('sh', ['-c', containers[0]?.args[0] ?? ''], { env, encoding: 'utf8' });
      expect([status, stdout.trimEnd().split('\n')]).toEqual([code, says]);
    },
  );

  test('gives rights in single namespaces when these are named', async () => {
    const { objects } = await render({ watchNamespaces: ['team-a', 'team-b'], rbac: { aggregate: false } });
    expect(objects.filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([]);
    const roles = objects.filter(({ kind, metadata }) => kind === 'Role' && metadata.name === 'r1-operator');
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(['team-a', 'team-b']);
    const { text } = await render({ watchNamespaces: ['team-a', 'team-b'] });
    expect(text).toMatch(/"--namespace=team-a"\s+- "--namespace=team-b"/);
  });

  test('keeps the resource definitions, and with them all pipelines, when it is uninstalled', async () => {
    const { objects } = await render();
    const definitions = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
    expect(definitions.map(({ metadata }) => [metadata.name, metadata.annotations])).toEqual([
      ['r1pipelines.r1.dev', { 'helm.sh/resource-policy': 'keep' }],
      ['r1stages.r1.dev', { 'helm.sh/resource-policy': 'keep' }],
    ]);
  });

  test('has a dashboard of metrics that the operator has', async () => {
    const dashboard = await readFile(join(chart, 'files/dashboard.json'), 'utf8');
    const metrics = new OperatorMetrics();
    metrics.watchQueues({});
    metrics.watchStates('pipelines', () => []);
    metrics.watchStates('stages', () => []);
    const known = new Set((await metrics.registry.getMetricsAsJSON()).map(({ name }) => name));
    const used = new Set([...dashboard.matchAll(/\b((?:r1|process)_[a-z_]+)\{/g)].map(([, name = '']) => name));
    expect(used.size).toBeGreaterThan(8);
    expect([...used].filter((name) => !known.has(name.replace(/_(bucket|count|sum)$/, '')))).toEqual([]);
  });
});

describeCluster('an API server', (cluster) => {
  if (missing !== undefined) return;
  let [namespace, schemas] = ['', ''];
  beforeAll(async () => {
    schemas = join(cluster().directory, 'json-schemas');
    await mkdir(schemas, { recursive: true });
    await writeJsonSchemas(cluster(), schemas);
    namespace = await cluster().namespace();
    await cluster().kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
    // Pods of missing service accounts are refused.
    for (const account of ['r1-operator', 'r1-operator-test', 'given']) {
      await cluster().kubectl('create', 'serviceaccount', account, '-n', namespace);
    }
  });

  test.each(variants)('takes what the chart makes of $name', async ({ values }) => {
    const { text, objects } = await render(values, namespace);
    // There is no schema of what only Prometheus' operator knows.
    const flags = ['-strict', '-skip', 'ServiceMonitor', '-schema-location', schemaLocation(schemas)];
    await run(clusterProgram('kubeconform') ?? 'kubeconform', flags, { stdin: text });

    const known = [...objects.filter(({ kind }) => kind !== 'ServiceMonitor'), operatorPod(objects)];
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: known });
    const said = await run(clusterProgram('kubectl') ?? 'kubectl', ['apply', '--dry-run=server', '-f', '-'], {
      env: { KUBECONFIG: cluster().kubeconfig },
      stdin: list,
    });
    expect(said.trim().split('\n')).toHaveLength(known.length);
  });
});

/** Pod Security looks at the pods of a Deployment only when they are made. */
function operatorPod(objects: readonly Manifest[]): object {
  const { metadata, spec } = find(objects, 'Deployment', 'r1-operator');
  const { template } = spec as { template: object };
  return { apiVersion: 'v1', kind: 'Pod', ...template, metadata };
}

function find(objects: readonly Manifest[], kind: string, name: string): Manifest {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}
