import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { parseAllDocuments, stringify } from 'yaml';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { describeCluster } from './support/describe-cluster.ts';

interface Template {
  kind: string;
  metadata: { name: string; namespace: string };
  spec: { template: { metadata: object; spec: { priorityClassName?: string; runtimeClassName?: string } } };
}

const golden = join(import.meta.dirname, '../operator/kube/objects/golden');

describeCluster('an API server that holds a namespace to Pod Security "restricted"', (cluster) => {
  const directory = useTemporaryDirectory();
  let namespace = '';
  beforeAll(async () => {
    namespace = await cluster().namespace();
    await cluster().kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
    await cluster().apply(`
{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: training}, value: 10}
---
{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: nvidia}, handler: nvidia}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: trainer, namespace: ${namespace}}}`);
  });

  test.each(readdirSync(golden))('takes every object of %s, and pods of its templates', async (file) => {
    const objects = parseAllDocuments(readFileSync(join(golden, file), 'utf8')).map((each) => each.toJS() as Template);
    // Pod Security judges the template of a Job by a warning alone.
    const pods = objects.flatMap(({ kind, metadata, spec }) =>
      kind === 'Job'
        ? [
            {
              apiVersion: 'v1',
              kind: 'Pod',
              metadata: { ...spec.template.metadata, name: metadata.name },
              spec: spec.template.spec,
            },
          ]
        : [],
    );
    const manifest = [...objects, ...pods].map((each) =>
      stringify({ ...each, metadata: { ...each.metadata, namespace } }),
    );
    const path = join(directory(), file);
    writeFileSync(path, manifest.join('---\n'));
    const answer = await cluster().kubectl('create', '--dry-run=server', '--warnings-as-errors', '-f', path);
    expect(answer.trim().split('\n')).toHaveLength(manifest.length);
  });
});
