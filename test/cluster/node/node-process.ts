import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlane } from '../support/control-plane.ts';
import { run } from '../support/run.ts';

/** Command that runs what follows it in namespaces of the node: with its network, say, or with its mounts. */
function inNode({ directory }: ControlPlane, ...namespaces: readonly ('mount' | 'net')[]): string[] {
  const unshare = readFileSync(join(directory, 'pids/node'), 'utf8').trim();
  const [node = ''] = readFileSync(`/proc/${unshare}/task/${unshare}/children`, 'utf8').split(' ');
  return ['nsenter', `--target=${node}`, ...namespaces.map((name) => `--${name}`)];
}

/** Runs a command among the mounts of the node. */
export async function runInNode(cluster: ControlPlane, ...command: readonly string[]): Promise<string> {
  const [program = '', ...args] = [...inNode(cluster, 'mount'), ...command];
  return run(program, args);
}

/** Starts a program of TypeScript in the network of the node, and waits for its first words: it listens by then. */
export async function serveOnNode(cluster: ControlPlane, ...program: readonly string[]): Promise<ChildProcess> {
  const [nsenter = '', ...args] = [...inNode(cluster, 'net'), process.execPath, ...program];
  const server = spawn(nsenter, args, {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(server.stdout, 'data');
  return server;
}
