import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { useSharedDirectory } from '../../support/shared-directory.ts';
import { describeFaults } from './describe-faults.ts';
import { type Digests, DisturbedPipeline, undisturbed } from './disturbed-pipeline.ts';
import { localVolume } from './local-volume.ts';
import { serveOnNode } from './node-process.ts';

const examples = join(import.meta.dirname, '../../../examples');
const trained = join(import.meta.dirname, '../../fixtures/trained');
/** What a directory of Hugging Face consists of, and the Hub gives. */
const modelFiles = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];

const hub = { host: '10.88.0.1', port: 18_080, token: 'secret of the Hub' };

/** As `r1 run` takes it, with files beside it. */
const local = {
  apiVersion: 'r1.dev/v1alpha1',
  kind: 'R1Pipeline',
  metadata: { name: 'sources' },
  spec: {
    seed: 3,
    base: { path: 'model' },
    datasets: [
      {
        name: 'sums',
        file: 'data/sums.jsonl',
        answer: { kind: 'number', in: 'completion' },
      },
    ],
    stages: [
      {
        name: 'zero',
        grpo: {
          prompts: ['sums'],
          steps: 4,
          promptsPerStep: 4,
          group: 4,
          sampling: { maxNewTokens: 8 },
          rewards: [{ accuracy: {} }, { random: {} }],
        },
      },
    ],
  },
};

const directory = useSharedDirectory();

describeFaults(
  'a pipeline gets the same model and files',
  (cluster) => {
    let manifest: string;
    let expected: Digests;
    let server: ChildProcess | undefined;

    beforeAll(async () => {
      manifest = join(directory(), 'sources.yaml');
      writeFileSync(manifest, stringify(local));
      mkdirSync(join(directory(), 'data'));
      cpSync(join(examples, 'data/one-digit-sums.jsonl'), join(directory(), 'data/sums.jsonl'));
      for (const file of modelFiles) cpSync(join(trained, file), join(directory(), 'model', file));
      expected = await undisturbed(manifest);
    }, 120_000);

    afterAll(() => void server?.kill());

    test('from a ConfigMap, and a claim with models', async () => {
      await using pipeline = await DisturbedPipeline.prepare(cluster(), manifest);
      const file = { 'sums.jsonl': readFileSync(join(directory(), 'data/sums.jsonl'), 'utf8') };
      await create(pipeline, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'files' }, data: file });
      await claimOf(pipeline, 'models', 'model', 'team/trained');
      const base = { pvc: { claim: 'models', path: '/team/trained' } };
      await pipeline.change({ spec: { base, volumes: [{ path: 'data', configMap: 'files' }] } });
      expect(await pipeline.succeeded()).toEqual(expected);
    }, 300_000);

    test('from a claim with files, and a Hub that fails now and then and wants a token', async () => {
      const flags = [hub.host, String(hub.port), hub.token, join(directory(), 'model')];
      const program = join(import.meta.dirname, 'hub-on-node.ts');
      server = await serveOnNode(cluster(), program, ...flags);

      await using pipeline = await DisturbedPipeline.prepare(cluster(), manifest);
      const stringData = { token: hub.token };
      await create(pipeline, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'hub' }, stringData });
      await claimOf(pipeline, 'rows', 'data', 'of/a/team');
      const base = { hf: { repo: 'owner/name', tokenSecret: 'hub' } };
      await pipeline.change({ spec: { base, volumes: [{ path: 'data', claim: 'rows', subPath: 'of/a/team' }] } });
      expect(await pipeline.succeeded()).toEqual(expected);
    }, 300_000);

    async function create(
      { namespace }: DisturbedPipeline,
      object: { readonly metadata: object; readonly [field: string]: unknown },
    ): Promise<void> {
      await cluster().apply([{ ...object, metadata: { ...object.metadata, namespace } }]);
    }

    /** A claim whose volume has one of the local directories at some path. */
    async function claimOf(pipeline: DisturbedPipeline, name: string, from: string, path: string): Promise<void> {
      const volume = join(cluster().directory, name);
      cpSync(join(directory(), from), join(volume, path), { recursive: true });
      await localVolume(cluster(), name, volume);
      await create(pipeline, {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name },
        spec: { storageClassName: name, accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      });
    }
  },
  [`hubEndpoint=http://${hub.host}:${hub.port}`],
);
