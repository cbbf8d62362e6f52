import { validateManifest } from '../../operator/api/manifest.ts';
import type { R1Stage } from '../../operator/api/resources/stage.ts';

/** An R1Stage as an API server keeps it, from the part of its spec that a test is about, in YAML. */
export function stageOf(spec: string, metadata: Partial<R1Stage['metadata']> = {}): R1Stage {
  const own = `pipeline: sums\nstage: zero\n${spec}`;
  const text = `apiVersion: r1.dev/v1alpha1\nkind: R1Stage\nmetadata: {name: sums-zero}\nspec:\n${own.replaceAll(/^/gm, '  ')}`;
  const { stages, problems } = validateManifest(text, 'test.yaml');
  const [stage] = stages;
  if (stage === undefined) throw new Error(problems.map(({ message }) => message).join('\n'));
  return {
    ...stage,
    metadata: {
      namespace: 'team',
      uid: '8c5a1c0e-6f3f-4a53-9d35-1f1c1c8f8f01',
      generation: 1,
      creationTimestamp: '2026-01-01T11:00:00Z',
      ...stage.metadata,
      ...metadata,
    },
  };
}
