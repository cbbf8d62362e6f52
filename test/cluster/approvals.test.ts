import { expect, test } from '@jest/globals';
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
});
