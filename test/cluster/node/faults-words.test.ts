import { expect, test } from '@jest/globals';
import { annotations } from '../../../operator/api/resources/metadata.ts';
import { eventually } from '../support/eventually.ts';
import { describeFaults } from './describe-faults.ts';
import { DisturbedPipeline, undisturbed } from './disturbed-pipeline.ts';

const manifest = 'brief.yaml';

interface Missing {
  readonly name: string;
  readonly spec: object;
  readonly state: string;
  readonly words: RegExp;
  /** What a person makes then; without it, the manifest is corrected. */
  readonly cure?: { readonly metadata: object };
}

const claim = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'absent' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};
const storageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'unknown', annotations: { defaultVolumeType: 'local' } },
  provisioner: 'rancher.io/local-path',
  volumeBindingMode: 'WaitForFirstConsumer',
};
const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'absent' } };

const missing: readonly Missing[] = [
  {
    name: 'image',
    spec: { image: 'registry.invalid/team/trainer:1' },
    state: 'ImageUnavailable',
    words: /image registry\.invalid\/team\/trainer:1 cannot be pulled: .+/,
  },
  {
    name: 'gpus',
    spec: { defaults: { resources: { limits: { 'nvidia.com/gpu': 9 } } } },
    state: 'Unschedulable',
    words: /0\/1 nodes are available: 1 Insufficient nvidia\.com\/gpu\.?$/,
  },
  {
    name: 'storage-class',
    spec: { storage: { storageClassName: 'unknown' } },
    state: 'VolumeUnavailable',
    words: /storageclass\.storage\.k8s\.io "unknown" not found/,
    cure: storageClass,
  },
  {
    name: 'claim',
    spec: { storage: { claimName: 'absent' } },
    state: 'Refused',
    words: /claim "absent" of spec\.storage\.claimName not found/,
    cure: claim,
  },
  {
    name: 'claim-of-files',
    spec: { volumes: [{ path: 'data', claim: 'absent' }] },
    state: 'VolumeUnavailable',
    words: /claim "absent" not found/,
    cure: claim,
  },
  {
    name: 'config-map-of-files',
    spec: { volumes: [{ path: 'data', configMap: 'absent' }] },
    state: 'SecretUnavailable',
    words: /configmap "absent" not found/,
    cure: configMap,
  },
  {
    name: 'secret',
    spec: { base: { hf: { repo: 'owner/name', tokenSecret: 'absent' } } },
    state: 'SecretUnavailable',
    words: /secret "absent" not found/,
  },
  {
    name: 'priority-class',
    spec: { defaults: { priorityClassName: 'unknown' } },
    state: 'Refused',
    words: /no PriorityClass with name unknown was found/,
  },
  {
    name: 'runtime-class',
    spec: { defaults: { runtimeClassName: 'unknown' } },
    state: 'Refused',
    words: /RuntimeClass "unknown" not found/,
  },
];

describeFaults('a stage that lacks something', (cluster) => {
  const pipelines = new Map<Missing, DisturbedPipeline>();

  test('says within a minute, in words, what it waits for', async () => {
    const found = await Promise.all(
      missing.map(async (each) => {
        const { name, spec, words } = each;
        const pipeline = await DisturbedPipeline.start(cluster(), manifest, { name, spec });
        pipelines.set(each, pipeline);
        return { name, ...(await saying(pipeline, words)) };
      }),
    );
    console.log(found.map(({ name, seconds, message }) => `${name}: after ${seconds} s: ${message}`).join('\n'));
    const states = missing.map(({ name, state }) => ({ name, state }));
    expect(found.map(({ name, state }) => ({ name, state }))).toEqual(states);
  }, 120_000);

  test('goes on once it is there', async () => {
    const expected = await undisturbed(manifest);
    const curable = [...pipelines].filter(([{ spec }]) => !('base' in spec)); // that one has another model
    const results = await Promise.all(
      curable.map(async ([{ cure }, pipeline]) => {
        await using cured = pipeline;
        if (cure === undefined) await cured.change({});
        else await cluster().apply([{ ...cure, metadata: { ...cure.metadata, namespace: cured.namespace } }]);
        return [cured.name, await cured.succeeded()];
      }),
    );
    expect(results).toEqual(curable.map(([{ name }]) => [name, expected]));
  }, 420_000);

  test('whose claim was deleted says so, and begins again with another one', async () => {
    await using pipeline = await DisturbedPipeline.start(cluster(), 'short.yaml');
    await pipeline.saved('base', 12);
    // It goes, with what the stage makes on it, as soon as no pod uses it.
    await pipeline.kubectl('delete', 'pvc', 'short-volume', '--wait=false');
    await pipeline.stage(pipeline.name, 'base', 'Succeeded');
    const { seconds, message } = await saying(pipeline, /claim "short-volume" (not found|is being deleted)/);
    console.log(`deleted claim: after ${seconds} s: ${message}`);
    await pipeline.kubectl('annotate', 'r1pipeline', pipeline.name, `${annotations.rerunFrom}=base`);
    expect(await pipeline.succeeded()).toEqual(await undisturbed('short.yaml'));
  }, 300_000);
});

describeFaults('a stage on a node whose GPUs have no driver', (cluster) => {
  test('fails within a minute in words that say what to do, and is not retried', async () => {
    await using pipeline = await DisturbedPipeline.start(cluster(), manifest, {
      spec: { defaults: { resources: { limits: { 'nvidia.com/gpu': 1 } } } },
    });
    const words = /device: cuda: found no NVIDIA driver \(libcuda\.so\.1: .*device: cpu computes without GPUs/;
    const { seconds, message, state } = await saying(pipeline, words);
    console.log(`no driver: after ${seconds} s: ${message}`);
    expect(state).toBe('Failed');
    const events = await pipeline.kubectl('get', 'events', '-o', 'jsonpath={range .items[*]}{.message}{"\\n"}{end}');
    expect(events).toMatch(words);
    const stages = await pipeline.kubectl('get', 'r1stages', '-o', 'jsonpath={.items[*].status.attempts}');
    expect(JSON.parse(stages)).toEqual([expect.objectContaining({ number: 1, class: 'userError' })]);
  }, 120_000);
});

interface Said {
  readonly state: string;
  readonly message: string;
  readonly seconds: number;
}

/** What the tables of stages or pipelines show, once they say something in such words. */
async function saying(pipeline: DisturbedPipeline, words: RegExp): Promise<Said> {
  const startedAt = performance.now();
  return eventually(`${pipeline.name} says ${words}`, async () => {
    const shown = (await pipeline.displays()).find(({ message }) => words.test(message));
    return shown && { ...shown, seconds: Math.round((performance.now() - startedAt) / 1000) };
  });
}
