import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { useSharedDirectory } from '../../support/shared-directory.ts';
import { chart, helm } from '../support/helm.ts';
import { describeFaults, release } from './describe-faults.ts';
import { DisturbedPipeline, undisturbed } from './disturbed-pipeline.ts';

const added = { type: 'number', default: 0, description: 'What a later version asks for.' };
const places = {
  r1stages: ['spec', 'pretrain'],
  r1pipelines: ['spec', 'stages', 'pretrain'],
};

const directory = useSharedDirectory();

describeFaults('an upgrade of the chart under a running pipeline', (cluster) => {
  test('whose definitions have one more setting with a default: the same attempt goes on to the same digests', async () => {
    await using pipeline = await DisturbedPipeline.start(cluster(), 'short.yaml');
    const pod = await pipeline.saved('base', 12);
    // The stage must not end before the upgrade has, however long that takes.
    const trainer = pipeline.pidOf(pod);
    process.kill(trainer, 'SIGSTOP');

    const { name, namespace } = release;
    const flags = ['--namespace', namespace, '--reuse-values', '--wait', '--timeout=3m'];
    await helm(['upgrade', name, await laterChart(), ...flags], cluster().kubeconfig);
    await cluster().kubectl('--namespace', namespace, 'rollout', 'restart', `deployment/${name}`);
    await cluster().kubectl('--namespace', namespace, 'rollout', 'status', `deployment/${name}`, '--timeout=120s');

    expect((await pipeline.trainerOf('base'))?.metadata.uid).toBe(pod.metadata.uid);
    process.kill(trainer, 'SIGCONT');
    expect(await pipeline.succeeded()).toEqual(await undisturbed('short.yaml'));
    expect(await pipeline.allAttempts()).toEqual(['base 1 Succeeded', 'samples 1 Succeeded', 'zero 1 Succeeded']);
    const spec = await pipeline.kubectl('get', 'r1stage', 'short-base', '-o', 'jsonpath={.spec.pretrain.emaDecay}');
    expect(spec).toBe('0');
  }, 600_000);
});

/** A copy of the chart whose definitions ask for more, as those of a later version may. */
async function laterChart(): Promise<string> {
  const later = join(directory(), 'later-chart');
  await cp(chart, later, { recursive: true });
  for (const [plural, place] of Object.entries(places)) {
    const file = join(later, `files/crds/r1.dev_${plural}.yaml`);
    // oxlint-disable-next-line no-await-in-loop -- two files
    const definition = parse(await readFile(file, 'utf8')) as Definition;
    propertiesAt(definition, place)['emaDecay'] = added;
    // oxlint-disable-next-line no-await-in-loop -- two files
    await writeFile(file, stringify(definition));
  }
  return later;
}

interface Schema {
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema;
}

interface Definition {
  readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[] };
}

function propertiesAt(definition: Definition, place: readonly string[]): Record<string, unknown> {
  const [version] = definition.spec.versions;
  const found = place.reduce<Schema | undefined>((schema, name) => {
    const next = schema?.properties?.[name];
    return next?.items ?? next;
  }, version?.schema.openAPIV3Schema);
  if (found?.properties === undefined) throw new Error(`no properties at ${place.join('.')}`);
  return found.properties;
}
