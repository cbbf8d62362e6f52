import { chartFiles, yamlFile } from './chart-files.ts';
import { clusterObjects } from './crd.ts';
import { manifestReference } from './manifest-reference.ts';

/** Everything in the repository that is made from the schemas: path from the root → content. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>([['docs/reference/manifest.md', manifestReference()], ...chartFiles()]);
  for (const [name, objects] of clusterObjects()) files.set(`crds/${name}`, yamlFile(objects));
  return files;
}
