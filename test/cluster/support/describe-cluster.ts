import { afterAll, beforeAll, describe } from '@jest/globals';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  controlPlane,
  type HeldControlPlane,
  startTimeoutMs,
} from './control-plane.ts';
import { announceSkipped, controlPlanePrograms, missingPrograms } from './tools.ts';

/**
 * Tests that need a control plane; skipped, in words, where its programs are not found.
 *
 *   describeCluster('reflector', (cluster) => {
 *     test('…', async () => { const namespace = await cluster().namespace(); … });
 *   });
 */
export function describeCluster(
  name: string,
  tests: (cluster: () => ControlPlane) => void,
  options: ControlPlaneOptions = {},
): void {
  const missing = missingPrograms(controlPlanePrograms);
  if (missing !== undefined) announceSkipped('tests on a Kubernetes API server', missing);
  (missing === undefined ? describe : describe.skip)(name, () => {
    let cluster: HeldControlPlane | undefined;
    beforeAll(async () => {
      cluster = await controlPlane(options);
    }, startTimeoutMs);
    afterAll(async () => cluster?.release(), 60_000);
    tests(() => {
      if (cluster === undefined) throw new Error('the control plane is there only inside a test');
      return cluster;
    });
  });
}
