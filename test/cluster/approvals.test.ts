import { expect, test } from '@jest/globals';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import { approvalOf } from '../../operator/core/pipeline/approval.ts';
import type { Stored } from '../../operator/kube/client/resources.ts';
import { transformOwn } from '../../operator/kube/objects/transform.ts';
import { manifest } from '../support/manifest.ts';
import { fourStages } from '../support/pipelines.ts';
import { describeCluster } from './support/describe-cluster.ts';

describeCluster('the name of whoever approves', (cluster) => {
  test('is their own, and nobody makes it another one', async () => {
    const namespace = await cluster().namespace();
    const kubectl = (...args: readonly string[]) => cluster().kubectl(...args, '-n', namespace);
    const annotate = (by: string, ...annotations: readonly string[]) =>
      kubectl(
        'annotate',
        'r1pipeline',
        'test',
        '--overwrite',
        ...annotations,
        `--as=${by}`,
        '--as-group=system:masters',
      );
    await cluster().apply(manifest(fourStages).replace('{name: test}', `{name: test, namespace: ${namespace}}`));

    await expect(annotate('bob', 'approved-by.r1.dev/zero=alice')).rejects.toThrow(
      'metadata.annotations: approved-by.r1.dev/STAGE is the name of whoever approves, expected bob',
    );
    await annotate('alice', 'r1.dev/approved=zero', 'approved-by.r1.dev/zero=alice');
    await annotate('bob', 'other=thing');
    await expect(annotate('bob', 'approved-by.r1.dev/zero=mallory')).rejects.toThrow('expected bob');
    const { metadata } = JSON.parse(await kubectl('get', 'r1pipeline', 'test', '-o=json')) as {
      metadata: { annotations: Record<string, string> };
    };
    expect(metadata.annotations).toMatchObject({ 'approved-by.r1.dev/zero': 'alice', other: 'thing' });
  });

  test('needs its reason where it lets pass what a bound stops', async () => {
    const namespace = await cluster().namespace();
    const annotate = (...given: readonly string[]) =>
      cluster().kubectl('-n', namespace, 'annotate', 'r1pipeline', 'test', '--overwrite', ...given);
    const gated = fourStages.replace(
      '{accuracy: {}}]}}',
      '{accuracy: {}}]}, gate: {metric: reward, atLeast: 1, onFailure: Wait}}',
    );
    await cluster().apply(manifest(gated).replace('{name: test}', `{name: test, namespace: ${namespace}}`));
    for (const reason of [[], ['approved-because.r1.dev/zero= ']]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await expect(annotate('r1.dev/approved=other, zero', ...reason)).rejects.toThrow(
        'found no reason why the gate of zero is opened, expected one in approved-because.r1.dev/STAGE',
      );
    }
    await annotate('r1.dev/approved=other, zero', 'approved-because.r1.dev/zero=the verifier was down');
    await annotate('approved-because.r1.dev/zero-'); // what is recorded in the decision is told there
    await annotate('r1.dev/approved=zero', 'else=where');
  });

  test.each([
    { name: 'an annotation', more: [], by: 'kubectl-annotate' },
    { name: 'one of a named program', more: ['--field-manager=nightly'], by: 'nightly' },
  ])('is that of the program where $name says none, and when', async ({ more, by }) => {
    const namespace = await cluster().namespace();
    const kubectl = (...args: readonly string[]) => cluster().kubectl(...args, '-n', namespace);
    await cluster().apply(manifest(fourStages).replace('{name: test}', `{name: test, namespace: ${namespace}}`));
    await kubectl('annotate', 'r1pipeline', 'test', 'r1.dev/approved=zero', ...more);
    await kubectl('annotate', 'r1pipeline', 'test', 'other=thing', '--field-manager=somebody-else');
    const stored = async () =>
      JSON.parse(await kubectl('get', 'r1pipeline', 'test', '-o=json', '--show-managed-fields')) as Stored<R1Pipeline>;
    const approved = approvalOf(transformOwn(await stored()), 'zero');
    expect(approved?.by).toMatch(new RegExp(`^field manager ${by} at \\d{4}-\\d\\d-\\d\\dT\\S+Z$`));

    // What the operator writes when a stage runs again is nobody's approval.
    await kubectl(
      'annotate',
      'r1pipeline',
      'test',
      'r1.dev/approved=zero,pretrained',
      '--overwrite',
      '--field-manager=r1-operator',
    );
    expect(approvalOf(transformOwn(await stored()), 'zero')).toEqual({});
  });
});
