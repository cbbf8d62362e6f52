import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlane } from '../support/control-plane.ts';
import { run } from '../support/run.ts';

/** Command that runs what follows it in namespaces of the node: with its network, say, or with its mounts. */
export function inNode({ directory }: ControlPlane, ...namespaces: readonly ('mount' | 'net')[]): string[] {
  const unshare = readFileSync(join(directory, 'pids/node'), 'utf8').trim();
  const [node = ''] = readFileSync(`/proc/${unshare}/task/${unshare}/children`, 'utf8').split(' ');
  return ['nsenter', `--target=${node}`, ...namespaces.map((name) => `--${name}`)];
}

/** Runs a command among the mounts of the node. */
export async function runInNode(cluster: ControlPlane, ...command: readonly string[]): Promise<string> {
  const [program = '', ...args] = [...inNode(cluster, 'mount'), ...command];
  return run(program, args);
}
