import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { run } from './run.ts';
import { clusterProgram } from './tools.ts';

export const chart = join(import.meta.dirname, '../../../charts/r1-operator');
/** A Helm that was built without version information takes the cluster for an ancient one when it has none to ask. */
export const offline = ['--kube-version', '1.35.4'];

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Record<string, string>;
  };
  readonly [field: string]: unknown;
}

/** Runs helm and returns what it printed; throws with what it said on stderr. */
export function helm(args: readonly string[], kubeconfig = '/dev/null'): Promise<string> {
  return run(clusterProgram('helm') ?? 'helm', args, { env: { KUBECONFIG: kubeconfig } });
}

/** What the chart makes of some values, as text and as objects. */
export async function render(
  values: object = {},
  namespace = 'r1-system',
): Promise<{ readonly text: string; readonly objects: readonly Manifest[] }> {
  const set = Object.entries(values).flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]);
  const text = await helm(['template', 'r1-operator', chart, '--namespace', namespace, ...offline, ...set]);
  const objects = parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((object) => object !== null);
  return { text, objects };
}
