import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { r1 } from '../support/cli.ts';
import { manifest } from '../support/manifest.ts';
import { fourStages } from '../support/pipelines.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';
import { describeCluster } from './support/describe-cluster.ts';
import { run } from './support/run.ts';
import { clusterProgram } from './support/tools.ts';

const directory = useSharedDirectory();

async function write(name: string, text: string): Promise<string> {
  await writeFile(join(directory(), name), text);
  return join(directory(), name);
}

describeCluster('r1 reaches a cluster', (cluster) => {
  let namespace = '';
  beforeAll(async () => {
    namespace = await cluster().namespace();
  });

  const kubectl = (...args: readonly string[]): Promise<string> => cluster().kubectl('-n', namespace, ...args);

  test('kubectl finds it as a plugin, which needs no option to talk to the cluster', async () => {
    await kubectl('create', '-f', await write('plugged.yaml', manifest(fourStages, 'plugged')));
    await symlink(resolve('cli/main.ts'), join(directory(), 'kubectl-r1'));
    const node = resolve(process.execPath, '..');
    const env = { KUBECONFIG: cluster().kubeconfig, PATH: `${directory()}:${node}:${process.env['PATH']}` };
    const plugin = (...args: string[]) => run(clusterProgram('kubectl') ?? '', ['r1', ...args], { env });
    expect(await plugin('get', '-n', namespace, 'pipelines', 'plugged')).toMatch(/^NAME +STATE.*\nplugged /);
    const help = await plugin('--help');
    expect(help).toContain('Usage: kubectl r1 [options]');
    expect(help).not.toContain('on this machine');
  });

  test('the rights in docs/cli.md are enough, and what is missing is said in one line', async () => {
    await kubectl('create', 'serviceaccount', 'ann');
    const token = (await kubectl('create', 'token', 'ann')).trim();
    const kubeconfig = await write('ann.kubeconfig', await kubeconfigWith(cluster().kubeconfig, token));
    const asAnn = (...args: string[]) => r1([...args, '--kubeconfig', kubeconfig, '-n', namespace]);
    const { code, stderr } = await asAnn('get');
    expect(code).toBe(77);
    expect(stderr).toMatch(
      /^r1: context \S+, namespace \S+: cannot list r1pipelines: .*"system:serviceaccount:\S+:ann" cannot list.*\n$/,
    );

    const role = /```yaml\n(kind: Role\n[^`]*)```/.exec(await readFile('docs/cli.md', 'utf8'))?.[1] ?? '';
    const { rules } = parse(role) as { rules: object[] };
    const metadata = { name: 'r1-user', namespace };
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r1-user' };
    await cluster().apply([
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata,
        roleRef,
        subjects: [{ kind: 'ServiceAccount', name: 'ann', namespace }],
      },
    ]);
    await writeFile(join(directory(), 'rows.jsonl'), '{"prompt": "1", "completion": "2"}\n');
    const spec = `
base: {init: {}}
datasets: [{name: rows, file: rows.jsonl}]
stages: [{name: tuned, sft: {data: [rows]}, gate: {approval: true}}]`;
    const file = await write('ann.yaml', manifest(spec, 'of-ann'));
    const commands = [
      ['apply', '-f', file],
      ['get', 'stages', 'of-ann', '-o', 'json'],
      ['approve', 'of-ann', 'tuned'],
      ['suspend', 'of-ann'],
      ['rerun', 'of-ann', '--from', 'tuned'],
      ['delete', 'of-ann', '--wait'],
    ];
    for (const args of commands)
      expect({ args, ...(await asAnn(...args)) }).toMatchObject({ args, code: 0, stderr: '' });
  });

  test('a cluster that does not answer is said in one line', async () => {
    const config = parse(await readFile(cluster().kubeconfig, 'utf8')) as {
      clusters: { cluster: { server: string } }[];
    };
    for (const each of config.clusters) each.cluster.server = 'https://127.0.0.1:1';
    const kubeconfig = await write('gone.kubeconfig', stringify(config));
    const { code, stderr } = await r1(['get', '--kubeconfig', kubeconfig]);
    expect(code).toBe(69);
    expect(stderr).toMatch(
      /^r1: context \S+, namespace default: cannot list r1pipelines: found no answer from https:\/\/127.0.0.1:1 \(.*ECONNREFUSED.*\)\n$/,
    );
    const unknown = await r1(['get', '--kubeconfig', kubeconfig, '--context', 'nope']);
    expect(unknown).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/found no context "nope", expected --context with one of/),
    });
  });
});

/** The same cluster, seen by the bearer of a token. */
async function kubeconfigWith(kubeconfig: string, token: string): Promise<string> {
  const config = parse(await readFile(kubeconfig, 'utf8')) as { users: { user: object }[] };
  for (const each of config.users) each.user = { token };
  return stringify(config);
}
