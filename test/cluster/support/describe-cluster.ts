import { afterAll, beforeAll, describe } from '@jest/globals';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  controlPlane,
  type HeldControlPlane,
  missingFor,
  startTimeoutMs,
} from './control-plane.ts';
import { requireKernels } from './require-kernels.ts';
import { announceSkipped } from './tools.ts';

/**
 * Tests that need a control plane; skipped, in words, where its programs are not found.
 *
 *   describeCluster('informer', (cluster) => {
 *     test('…', async () => { const namespace = await cluster().namespace(); … });
 *   });
 */
export function describeCluster(
  name: string,
  tests: (cluster: () => ControlPlane) => void,
  options: ControlPlaneOptions = {},
): void {
  const missing = missingFor(options);
  const what = options.node === true ? 'tests on a real node' : 'tests on a Kubernetes API server';
  if (missing !== undefined) announceSkipped(what, missing);
  (missing === undefined ? describe : describe.skip)(name, () => {
    let cluster: HeldControlPlane | undefined;
    beforeAll(async () => {
      if (options.node === true) requireKernels();
      cluster = await controlPlane(options);
    }, startTimeoutMs);
    afterAll(async () => cluster?.release(), 180_000); // a busy disk may take a minute for a node's images
    tests(() => {
      if (cluster === undefined) throw new Error('the control plane is there only inside a test');
      return cluster;
    });
  });
}
