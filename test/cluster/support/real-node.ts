import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.ts';
import { missingPrograms, scripts } from './tools.ts';

/** Programs beside those that node-up.sh fetches from Debian. */
const nodePrograms = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kubelet',
  'kube-proxy',
  'coredns',
  'local-path-provisioner',
  'pause',
  'helm',
] as const;

/** Why a node that really runs pods cannot be started here; undefined when it can. */
export function missingForNode(): string | undefined {
  if (process.env.R1_REAL_NODE !== '1') return 'they take minutes and need root on Debian; run: npm run test:node';
  if (process.getuid?.() !== 0) return 'a node needs root';
  if (!existsSync('/etc/debian_version')) return 'the container runtime comes from packages of Debian';
  if (!existsSync('/sys/fs/cgroup/memory')) return 'the node is set up for cgroup v1, and this machine has v2';
  if (!mayUnshare()) return 'this machine does not let root make namespaces';
  return missingPrograms(nodePrograms);
}

/** Builds the project's image and hands it to the node of that state directory, if it is up. */
export async function buildImage(tag: string, stateDirectory = ''): Promise<void> {
  const env = { ...(stateDirectory !== '' && { R1_CLUSTER_STATE: stateDirectory }) };
  await run(join(scripts, 'image.sh'), ['base'], { env });
  await run(join(scripts, 'image.sh'), ['build', tag, join(import.meta.dirname, '../../..')], { env });
}

function mayUnshare(): boolean {
  try {
    execFileSync('unshare', ['--net', '--mount', '--pid', '--cgroup', '--fork', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
