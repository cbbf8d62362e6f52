import { readdirSync, readFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import type { R1Pipeline } from '../../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import { readPipelineState } from '../../../operator/local/pipeline-state.ts';
import { r1 } from '../../support/cli.ts';
import { useSharedDirectory } from '../../support/shared-directory.ts';
import { startTimeoutMs } from '../support/control-plane.ts';
import { describeCluster } from '../support/describe-cluster.ts';
import { chart, helm } from '../support/helm.ts';
import { buildImage } from '../support/real-node.ts';

const image = 'docker.io/library/r1-operator:test';
const manifest = join(import.meta.dirname, '../../fixtures/pipelines/mini.yaml');
const namespace = 'team';
const stages = ['base', 'zero', 'samples', 'review', 'cold-start', 'helpfulness', 'r1', 'measured'];

interface Pod {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly automountServiceAccountToken?: boolean;
    readonly volumes: readonly { readonly name: string; readonly projected?: object }[];
    readonly containers: readonly { readonly resources: { readonly limits?: Readonly<Record<string, string>> } }[];
  };
  readonly status: { readonly phase: string };
}

const directory = useSharedDirectory();

describeCluster(
  'a node that runs pods',
  (cluster) => {
    beforeAll(async () => {
      await buildImage(image, cluster().directory);
      const [repository, tag] = image.split(':');
      const values = [`image.repository=${repository}`, `image.tag=${tag}`];
      const release = [
        'r1-operator',
        chart,
        '--namespace',
        'r1-system',
        '--create-namespace',
        '--wait',
        '--timeout=2m',
      ];
      await helm(['install', ...release, ...values.flatMap((value) => ['--set', value])], cluster().kubeconfig);
      await cluster().kubectl('create', 'namespace', namespace);
      const restricted = 'pod-security.kubernetes.io/enforce=restricted';
      await cluster().kubectl('label', 'namespace', namespace, restricted);
    }, startTimeoutMs);

    test('runs a pipeline of every type of stage to the checkpoints that r1 run makes of the same manifest', async () => {
      await cluster().apply(onGpus(readFileSync(manifest, 'utf8')));
      await inTeam('wait', 'r1pipeline/mini', '--for=condition=Succeeded', '--timeout=400s');
      const local = await r1(['run', manifest, '--state', directory()]);
      expect(local.code).toBe(0);
      expect(await digestsOnCluster()).toEqual(await digestsOf(directory()));
    }, 600_000);

    test("verifies what its pods left on a copy of the volume, and computes a stage's end again from it", async () => {
      const volumes = join(cluster().directory, 'volumes');
      const volume = readdirSync(volumes).find((name) => name.endsWith(`_${namespace}_mini-volume`)) ?? 'none';
      const copy = join(directory(), 'copied-volume');
      await cp(join(volumes, volume), copy, { recursive: true });
      const { code, stderr } = await r1(['verify', copy, '--replay', '3', '--stage', 'zero']);
      const says = 'steps 36 to 40 of zero, from the state saved in step-000035';
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stderr).toContain(`computed again: ${says}: every file is the same, bit for bit\n`);
    });

    test('shows pipeline and stages in their tables', async () => {
      expect(await inTeam('get', 'r1p')).toMatch(
        /^NAME +STATE +STAGE +PROGRESS +ETA +GPU-H +RESTARTS +WARNINGS +AGE +MESSAGE\nmini +Succeeded .* all 8 stages have succeeded\n$/,
      );
      const [header, ...rows] = (await inTeam('get', 'r1s')).trimEnd().split('\n');
      expect(header).toMatch(
        /^NAME +PIPELINE +TYPE +STATE +STEP +PROGRESS +REWARD +LOSS +ATTEMPT +WARNINGS +AGE +MESSAGE$/,
      );
      for (const stage of stages)
        expect(rows.join('\n')).toMatch(new RegExp(`^mini-${stage} +mini +\\S+ +Succeeded `, 'm'));
    });

    test('gives the pods of stages a GPU, but for that of a review, and no token for the API server', async () => {
      const { items } = JSON.parse(await inTeam('get', 'pods', '-o', 'json')) as { items: Pod[] };
      expect(items).toHaveLength(stages.length);
      for (const { metadata, spec, status } of items) {
        expect(status.phase).toBe('Succeeded');
        const gpus = metadata.labels['r1.dev/stage'] === 'review' ? undefined : '1';
        expect(spec.containers[0]?.resources.limits?.['nvidia.com/gpu']).toBe(gpus);
        expect(spec.automountServiceAccountToken).toBe(false);
        expect(spec.volumes.filter(({ projected }) => projected !== undefined)).toEqual([]);
      }
    });

    function inTeam(...args: readonly string[]): Promise<string> {
      return cluster().kubectl('--namespace', namespace, ...args);
    }

    async function digestsOnCluster(): Promise<object> {
      const { items } = JSON.parse(await inTeam('get', 'r1stages', '-o', 'json')) as { items: R1Stage[] };
      return digests(items);
    }
  },
  { node: true },
);

/** The same manifest for the cluster's namespace; resources have no meaning to `r1 run`. The node's GPUs are invented. */
function onGpus(text: string): string {
  const pipeline = parse(text) as R1Pipeline;
  const resources = { limits: { 'nvidia.com/gpu': 1 } };
  return stringify({
    ...pipeline,
    metadata: { ...pipeline.metadata, namespace },
    spec: { ...pipeline.spec, defaults: { ...pipeline.spec.defaults, resources, device: 'cpu' } },
  });
}

async function digestsOf(stateDir: string): Promise<object> {
  return digests((await readPipelineState(stateDir, 'mini'))?.stages ?? []);
}

function digests(found: readonly R1Stage[]): object {
  return Object.fromEntries(found.map(({ spec, status }) => [spec.stage, status?.checkpoint?.digest]));
}
