import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Pod } from '../../../operator/kube/client/resources.ts';
import { useSharedDirectory } from '../../support/shared-directory.ts';
import { eventually } from '../support/eventually.ts';
import { selfSigned } from '../support/self-signed.ts';
import { describeFaults, image } from './describe-faults.ts';
import { type Digests, DisturbedPipeline, undisturbed } from './disturbed-pipeline.ts';
import { serveOnNode } from './node-process.ts';

const manifest = 'short.yaml';
/** In the network of the node, where nothing else listens. */
const port = 9443;

const directory = useSharedDirectory();

describeFaults('a stage whose pods get a sidecar that never ends', (cluster) => {
  let expected: Digests;
  let webhook: ChildProcess | undefined;

  beforeAll(async () => {
    expected = await undisturbed(manifest);
    const caBundle = await selfSigned(directory());
    const program = join(import.meta.dirname, 'inject-sidecar.ts');
    webhook = await serveOnNode(cluster(), program, String(port), directory(), image);
    await cluster().apply([injection(caBundle)]);
  }, 300_000);

  afterAll(() => void webhook?.kill());

  test('goes on after its trainer failed, and holds nothing once it has succeeded', async () => {
    await using pipeline = await DisturbedPipeline.start(cluster(), manifest);
    const pod = await pipeline.saved('zero', 6);
    expect(containersOf(pod)[0]).toBe('proxy');
    process.kill(pipeline.pidOf(pod), 'SIGKILL');

    expect(await pipeline.succeeded()).toEqual(expected);
    const attempts = await pipeline.attemptsOf('zero');
    expect(attempts.map(({ class: cause, outcome }) => cause ?? outcome)).toEqual(['infrastructure', 'Succeeded']);
    const over = async (): Promise<boolean> => (await pipeline.podsOf(pipeline.name)).every(isOver);
    await eventually('no pod runs any more', over);
  }, 600_000);
});

function injection(caBundle: string): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'inject-sidecar' },
    webhooks: [
      {
        name: 'inject-sidecar.r1.test',
        clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        objectSelector: { matchExpressions: [{ key: 'r1.dev/stage', operator: 'Exists' }] },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        failurePolicy: 'Fail',
      },
    ],
  };
}

function containersOf({ spec }: Pod): (string | undefined)[] {
  return (spec?.containers ?? []).map(({ name }) => name);
}

/** The sidecar, too, has let go of the node. */
function isOver(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}
