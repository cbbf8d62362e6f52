import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient } from '../../operator/kube/client.ts';
import { controlPlane } from '../../test/cluster/support/control-plane.ts';
import { auditPolicy } from './audit.ts';

/** A control plane made for one measurement: the sides sign in under names of their own, and what they ask is logged. */
export interface Arena {
  /** Of a user who may do everything and is not counted. */
  readonly client: KubeClient;
  readonly kubeconfigs: Readonly<Record<Side, string>>;
  /** Where measured pipelines live. */
  readonly namespace: string;
  /** For the pipeline that brings everything to its working temperature. */
  readonly warmUpNamespace: string;
  readonly auditLog: string;
  /** For files of the measurement; removed at its end. */
  readonly directory: string;
  close(): Promise<void>;
}

export type Side = 'operator' | 'sequencer';
const sides: readonly Side[] = ['operator', 'sequencer'];

/** Name of a side in the audit log. */
export function userOf(side: Side): string {
  return `system:serviceaccount:default:${side}`;
}

/** Starts a fresh control plane with fake nodes; a used one would carry what went before. */
export async function openArena(): Promise<Arena> {
  const directory = await mkdtemp(join(tmpdir(), 'r1-bench-'));
  const [policy, auditLog] = [join(directory, 'audit-policy.json'), join(directory, 'audit.log')];
  await writeFile(policy, JSON.stringify(auditPolicy(sides.map(userOf))));
  const cluster = await controlPlane({
    own: true,
    apiServerFlags: ['--audit-policy-file', policy, '--audit-log-path', auditLog],
  });
  const client = new KubeClient(readConfig(cluster.kubeconfig), { name: 'bench' });
  const close = async (): Promise<void> => {
    await client.close();
    await cluster.release();
    await rm(directory, { recursive: true });
  };
  try {
    const kubeconfigs = {} as Record<Side, string>;
    for (const side of sides) {
      // oxlint-disable no-await-in-loop -- twice, once
      await cluster.kubectl('create', 'serviceaccount', side, '-n', 'default');
      const account = `--serviceaccount=default:${side}`;
      await cluster.kubectl('create', 'clusterrolebinding', side, '--clusterrole=cluster-admin', account);
      const token = await cluster.kubectl('create', 'token', side, '-n', 'default', '--duration=2h');
      kubeconfigs[side] = join(directory, `${side}.kubeconfig`);
      await writeFile(kubeconfigs[side], withToken(readConfig(cluster.kubeconfig), token.trim()));
      // oxlint-enable no-await-in-loop
    }
    const [namespace, warmUpNamespace] = [await cluster.namespace(), await cluster.namespace()];
    return { client, kubeconfigs, namespace, warmUpNamespace, auditLog, directory, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function readConfig(file: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(file);
  return config;
}

function withToken(config: KubeConfig, token: string): string {
  config.users = config.users.map(({ name }) => ({ name, token }));
  return config.exportConfig();
}
