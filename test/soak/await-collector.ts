import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlane } from '../cluster/support/control-plane.ts';

const kinds = ['R1Pipeline', 'R1Stage'];
/** The garbage collector looks for new kinds every half minute. */
const longestMs = 180_000;

/**
 * Waits until the garbage collector knows the kinds of a cluster that has just got them. What it meets before that it tries again after
 * a time that doubles, up to a quarter of an hour.
 */
export async function awaitCollector(cluster: ControlPlane, namespace: string): Promise<void> {
  const until = performance.now() + longestMs;
  while (performance.now() < until) {
    // oxlint-disable no-await-in-loop -- each is tried by itself
    const orphans = kinds.map((kind) => orphanOf(kind, namespace));
    await cluster.apply(orphans);
    await sleep(5000);
    const names = orphans.map(({ metadata }) => metadata.name);
    const left = await cluster.kubectl('get', 'configmap', '-n', namespace, '--ignore-not-found', '-o=name', ...names);
    if (left.trim() === '') return;
    // oxlint-enable no-await-in-loop
  }
  throw new Error(`the garbage collector does not know ${kinds.join(' and ')} after ${longestMs / 1000} s`);
}

/** Its owner is gone: whoever can look for that sees it, and collects this. */
function orphanOf(kind: string, namespace: string) {
  const owner = { apiVersion: 'r1.dev/v1alpha1', kind, name: 'gone', uid: randomUUID() };
  const name = `collected-${kind.toLowerCase()}-${randomUUID().slice(0, 8)}`;
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, ownerReferences: [owner] } };
}
