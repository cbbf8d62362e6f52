import { expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { validateManifest } from '../../operator/api/manifest.ts';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../operator/api/resources/stage.ts';
import { decidePipeline } from '../../operator/core/pipeline/decide-pipeline.ts';
import { KubeClient } from '../../operator/kube/client/client.ts';
import { pipelines, stages } from '../../operator/kube/objects/r1-kinds.ts';
import { badManifests } from '../support/bad-manifests.ts';
import { manifest } from '../support/manifest.ts';
import { fourStages } from '../support/pipelines.ts';
import { created, now, succeeded, withStatus } from '../support/stages.ts';
import { describeCluster } from './support/describe-cluster.ts';

const folder = join(import.meta.dirname, '../../examples');
const examples = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => [`examples/${name}`, readFileSync(join(folder, name), 'utf8')] as const);

/** Every field that only a cluster gives a meaning. */
const forCluster = manifest(`
image: registry.example/r1-operator:1
base: {hf: {repo: owner/name, tokenSecret: hub}}
datasets: [{name: sums, file: data/sums.jsonl}]
storage: {size: 1Ti, storageClassName: fast, accessMode: ReadWriteMany, retention: Retain}
volumes:
  - {path: data, configMap: sums}
  - {path: models/tiny, claim: models, subPath: tiny}
imagePullSecrets: [registry]
budget: {hours: 0.5, gpuHours: 1e3}
ttlSecondsAfterFinished: 86400
defaults:
  resources: {limits: {nvidia.com/gpu: 8, memory: 512Gi}, requests: {cpu: 500m}}
  nodeSelector: {pool: h100}
  tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms: [{matchExpressions: [{key: gpu, operator: In, values: [h100, h200]}]}]
  topologySpreadConstraints:
    - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {a: b}}}
  runtimeClassName: nvidia
  priorityClassName: training
  env: [{name: HTTPS_PROXY, value: 'http://proxy:3128'}, {name: NODE_EXTRA_CA_CERTS, value: /r1/files/ca.pem}]
  envFrom: [{configMap: site}]
  podLabels: {cost-center: research}
  podAnnotations: {sidecar.istio.io/inject: 'true'}
  serviceAccountName: trainer
  schedulerName: volcano
  resourceClaims: [{name: gpu, resourceClaimTemplateName: one, gpus: 1}, {name: link, resourceClaimName: fabric, gpus: 0}]
  sharedMemory: 8Gi
  securityContext: {runAsUser: 2000, runAsGroup: 2000, fsGroup: 2000, supplementalGroups: [5000]}
  terminationGracePeriodSeconds: 600
  queue: research
stages:
  - {name: sft, sft: {data: [sums]}, gate: {approval: true, metric: eval/pass@1}}
  - {name: student, model: {pvc: {claim: models}}, sft: {data: [sums]}, resources: {limits: {nvidia.com/gpu: 1}}}
`);

const sets = Array.from({ length: 16 }, (_, at) => `${'a'.repeat(56)}-set-${10 + at}`);
const largest = manifest(`
base: {init: {}}
datasets:
${sets.map((name) => `  - {name: ${name}, generator: {task: addition, digits: 1, rows: 60}}`).join('\n')}
stages:
${Array.from({ length: 32 }, (_, at) => `  - {name: ${'a'.repeat(54)}-stage-${10 + at}, sft: {data: [${sets.join()}]}}`).join('\n')}
`);

describeCluster('an API server', (cluster) => {
  let open: KubeClient | undefined;

  function client(): KubeClient {
    if (open === undefined) {
      const config = new KubeConfig();
      config.loadFromFile(cluster().kubeconfig);
      open = new KubeClient(config);
    }
    return open;
  }

  /** What the server would store. */
  async function dryRun(text: string): Promise<R1Pipeline | R1Stage> {
    const body = parse(text) as { kind: string; metadata: object };
    return client().request({
      method: 'POST',
      path: `/apis/r1.dev/v1alpha1/namespaces/default/${body.kind.toLowerCase()}s`,
      query: { dryRun: 'All', fieldValidation: 'Strict' },
      body,
    });
  }

  test.each(badManifests)('refuses, with the words of r1 validate: $name', async ({ text, server }) => {
    const answer = await dryRun(text).then(
      () => 'accepted',
      (error: Error) => error.message,
    );
    for (const { path, message, expected } of validateManifest(text, 'test.yaml').problems) {
      // A message of a rule is whole where it names what it found, else the policy or the server puts the path before it.
      const ofPolicy = /^spec\.stages\[\d+\]$/.test(path);
      const told = ofPolicy ? `${path}: ${expected}` : `${path}: Invalid value: ${expected}`;
      expect(answer).toContain(server ?? (message.includes(': found ') ? message : told));
    }
  });

  test('judges the largest pipeline that can be written', async () => {
    const last = largest.lastIndexOf('set-25]');
    expect((await dryRun(largest)).kind).toBe('R1Pipeline');
    await expect(dryRun(`${largest.slice(0, last)}set-26]${largest.slice(last + 'set-25]'.length)}`)).rejects.toThrow(
      `spec.stages[31].sft.data[15]: found "${'a'.repeat(56)}-set-26", expected a dataset, or an earlier review stage or sample stage without pairs or labels`,
    );
  });

  test('finds nothing to warn about in the admission policy', async () => {
    const text = await cluster().kubectl('get', 'validatingadmissionpolicy', 'r1pipelines.r1.dev', '-o', 'json');
    const { status } = JSON.parse(text) as { status?: { typeChecking?: object } };
    expect(status?.typeChecking).toEqual({});
  });

  test.each([
    ...examples,
    ['a pipeline with few fields', manifest(fourStages)],
    ['a pipeline for a cluster', forCluster],
  ])('fills in the same defaults: %s', async (_, text) => {
    const { pipelines: local, problems } = validateManifest(text, 'test.yaml');
    expect(problems).toEqual([]);
    expect((await dryRun(text)).spec).toEqual(local[0]?.spec);
  });

  test('gives a stage back as the operator made it, so that the operator has nothing to correct', async () => {
    const namespace = await cluster().namespace();
    for (const text of [...examples.map(([, each]) => each), forCluster]) {
      const stored = await client().create(pipelines, inNamespace(parse(text) as R1Pipeline, namespace));
      const first = created(stored, [], stored.spec.stages[0]!.name);
      const stage = await client().create(stages, first);
      expect(stage.spec).toEqual(JSON.parse(JSON.stringify(first.spec)));
      const { actions } = decidePipeline({ now, pipeline: stored, stages: [stage], maxRunningStages: 1 });
      // A volume that is to stay is told so before anything is known of it.
      expect(actions.filter(({ kind }) => kind !== 'RetainVolume')).toEqual([]);
    }
  });

  test('keeps statuses whole, shows them in columns, and lets kubectl wait for conditions', async () => {
    const namespace = await cluster().namespace();
    const pipeline = await client().create(
      pipelines,
      inNamespace(parse(manifest(fourStages)) as R1Pipeline, namespace),
    );
    const done = succeeded(pipeline, ['pretrained', 'zero'], { metrics: { reward: 0.53125, 'eval/pass@1': 0.5 } });
    const samples = withStatus(created(pipeline, done, 'samples'), 'running');
    const { status } = decidePipeline({ now, pipeline, stages: [...done, samples], maxRunningStages: 1 });
    const saved = await client().mergePatch(pipelines, pipeline.metadata, { status }, 'status');
    expect(saved.status).toEqual(JSON.parse(JSON.stringify(status)));
    for (const stage of [...done, samples]) {
      await client().create(stages, inNamespace(stage, namespace));
      const { metadata } = inNamespace(stage, namespace);
      const kept = await client().mergePatch(stages, metadata, { status: stage.status }, 'status');
      expect(kept.status).toEqual(JSON.parse(JSON.stringify(stage.status)));
    }

    const table = await cluster().kubectl('get', 'r1p', '-n', namespace, '-o', 'wide');
    expect(
      table
        .split('\n')[0]
        ?.split(/\s{2,}/)
        .map((each) => each.trim()),
    ).toEqual([
      'NAME',
      'STATE',
      'STAGE',
      'PROGRESS',
      'ETA',
      'GPU-H',
      'RESTARTS',
      'WARNINGS',
      'AGE',
      'REWARD',
      'PASS@1',
      'QUEUE',
      'MESSAGE',
    ]);
    expect(table).toMatch(/test\s+Running\s+samples\s+2\/4/);
    await cluster().kubectl('wait', '-n', namespace, '--for=condition=Succeeded', '--timeout=5s', 'r1s/test-zero');
  });

  test('explains every field', async () => {
    const text = (await cluster().kubectl('explain', 'r1pipelines.spec.stages')).replaceAll(/\s+/g, ' ');
    expect(text).toMatch(/exactly one of pretrain, grpo, sft, sample, rewardModel, review and evaluate/);
    expect(text).toMatch(/gate\s+<Object>/);
    expect(text).not.toMatch(/<no description>/i);
  });
});

function inNamespace<T extends R1Pipeline | R1Stage>(object: T, namespace: string): T {
  return { ...object, metadata: { ...object.metadata, namespace } };
}
