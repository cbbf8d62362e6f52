import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient } from '../../operator/kube/client/client.ts';
import { volumeClaims } from '../../operator/kube/client/resources.ts';
import { type ControlPlane, controlPlane } from '../../test/cluster/support/control-plane.ts';
import type { OperatorOptions } from '../../test/cluster/support/operator.ts';
import { run } from '../../test/cluster/support/run.ts';
import { auditPolicy } from './audit.ts';
import { claimName } from './pipelines.ts';

/** A control plane made for one measurement: the sides sign in under names of their own, and what they ask is logged. */
export interface Arena {
  /** Of a user who may do everything and is not counted. */
  readonly client: KubeClient;
  readonly kubeconfigs: Readonly<Record<Side, string>>;
  /** How the operator starts: with the files and variables of its pod, where this process may lay them over /run. */
  readonly operator: Pick<OperatorOptions, 'kubeconfig' | 'env' | 'prefix'>;
  /** Where measured pipelines live. */
  readonly namespace: string;
  /** For the pipeline that brings everything to its working temperature. */
  readonly warmUpNamespace: string;
  readonly auditLog: string;
  /** For files of the measurement; removed at its end. */
  readonly directory: string;
  close(): Promise<void>;
}

export type Side = (typeof sides)[number];
const sides = ['operator', 'sequencer', 'writer'] as const;

/** Name of a side in the audit log. */
export function userOf(side: Side): string {
  return `system:serviceaccount:default:${side}`;
}

/**
 * The garbage collector looks for new kinds every 30 s. Until it knows ours it asks the API server again and again for the
 * owner of every object, which no cluster does but one that was installed a moment ago.
 */
const garbageCollectorMs = 35_000;

/** Starts a fresh control plane with fake nodes; a used one would carry what went before. */
export async function openArena(): Promise<Arena> {
  const directory = await mkdtemp(join(tmpdir(), 'r1-bench-'));
  const [policy, auditLog] = [join(directory, 'audit-policy.json'), join(directory, 'audit.log')];
  await writeFile(policy, JSON.stringify(auditPolicy(sides.map(userOf))));
  const cluster = await controlPlane({
    own: true,
    apiServerFlags: ['--audit-policy-file', policy, '--audit-log-path', auditLog],
  });
  await sleep(garbageCollectorMs);
  const client = new KubeClient(readConfig(cluster.kubeconfig), { name: 'bench' });
  const close = async (): Promise<void> => {
    await client.close();
    await cluster.release();
    await rm(directory, { recursive: true });
  };
  try {
    const [kubeconfigs, tokens] = [{} as Record<Side, string>, {} as Record<Side, string>];
    for (const side of sides) {
      // oxlint-disable no-await-in-loop -- once a side
      await cluster.kubectl('create', 'serviceaccount', side, '-n', 'default');
      const account = `--serviceaccount=default:${side}`;
      await cluster.kubectl('create', 'clusterrolebinding', side, '--clusterrole=cluster-admin', account);
      const token = await cluster.kubectl('create', 'token', side, '-n', 'default', '--duration=2h');
      tokens[side] = token.trim();
      kubeconfigs[side] = join(directory, `${side}.kubeconfig`);
      await writeFile(kubeconfigs[side], withToken(readConfig(cluster.kubeconfig), tokens[side]));
      // oxlint-enable no-await-in-loop
    }
    const [namespace, warmUpNamespace] = [await withClaim(cluster, client), await withClaim(cluster, client)];
    const operator =
      process.getuid?.() === 0
        ? await asPod(cluster, directory, tokens.operator)
        : { kubeconfig: kubeconfigs.operator };
    return { client, kubeconfigs, operator, namespace, warmUpNamespace, auditLog, directory, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A namespace with the claim of its pipelines, bound. */
async function withClaim(cluster: ControlPlane, client: KubeClient): Promise<string> {
  const namespace = await cluster.namespace();
  await client.create(volumeClaims, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { namespace, name: claimName },
    spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } },
  });
  await cluster.kubectl('wait', `pvc/${claimName}`, '-n', namespace, '--for=jsonpath={.status.phase}=Bound');
  return namespace;
}

const program = join(import.meta.dirname, '../../operator/main.ts');

/** Laid over /run for one process alone, the files that the kubelet gives to a pod. */
async function asPod(
  { directory: state, kubeconfig }: ControlPlane,
  directory: string,
  token: string,
): Promise<Arena['operator']> {
  const overRun = join(directory, 'run');
  const files = join(overRun, 'secrets/kubernetes.io/serviceaccount');
  await mkdir(files, { recursive: true });
  await copyFile(join(state, 'pki/ca.crt'), join(files, 'ca.crt'));
  await writeFile(join(files, 'token'), token);
  await writeFile(join(files, 'namespace'), 'default');
  const server = new URL(readConfig(kubeconfig).getCurrentCluster()?.server ?? '');
  // An image carries it: who starts without it holds the code that strips types, too.
  const NODE_COMPILE_CACHE = join(directory, 'compile-cache');
  await run(program, ['--help'], {
    env: { NODE_COMPILE_CACHE, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` },
  });
  const overlay = `mount --make-rprivate / && mount -t overlay -o lowerdir=${overRun}:/run overlay /run && exec "$@"`;
  return {
    kubeconfig: '',
    env: { KUBERNETES_SERVICE_HOST: server.hostname, KUBERNETES_SERVICE_PORT: server.port, NODE_COMPILE_CACHE },
    prefix: ['unshare', '--mount', 'sh', '-ec', overlay, '-'],
  };
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
