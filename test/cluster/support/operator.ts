import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './free-ports.ts';

const today = fileURLToPath(new URL('../../../operator/main.ts', import.meta.url));

export interface OperatorOptions {
  readonly kubeconfig: string;
  /** Flags after the defaults of this helper, such as `--namespace`, `team`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A command that becomes the operator, such as one that gives it a file system of its own. */
  readonly prefix?: readonly string[];
  /** `operator/main.ts` of another version of the project. */
  readonly main?: string;
}

/** The real operator in a process of its own. */
export interface RunningOperator {
  readonly process: ChildProcess;
  /** Ports of its servers on loopback. */
  readonly ports: { readonly health: number; readonly metrics: number };
  /** Everything it has logged so far. */
  log(): string;
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** Resident memory now. */
  rssBytes(): number;
  /** SIGTERM; resolves with the exit code once it has ended. */
  stop(): Promise<number | null>;
  /** SIGKILL; resolves once it has ended. */
  kill(): Promise<void>;
}

let started = 0;

/**
 * Starts `r1-operator` and waits until it is ready; end it with `stop` or `kill`. Unless the flags name a Lease it has one
 * of its own, so that it neither waits for operators of other test files nor for the lease of one that was killed.
 */
export async function startOperator({
  kubeconfig,
  args = [],
  env = {},
  prefix = [],
  main = today,
}: OperatorOptions): Promise<RunningOperator> {
  const [health = 0, metrics = 0] = await freePorts(2);
  const ports = ['--health-port', String(health), '--metrics-port', String(metrics)];
  const flags = ['--leader-election-id', `test-${process.pid}-${started++}`, ...ports, ...args];
  // As the image starts it: its first line names Node and V8's settings.
  const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
  const [program = '', ...rest] = [...prefix, main, ...flags];
  const child = spawn(program, rest, {
    env: { ...process.env, PATH, NODE_OPTIONS: '', KUBECONFIG: kubeconfig, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  }
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return (await closed)[0];
  };
  const ready = async (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${health}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  const deadline = Date.now() + 60_000;
  while (!(await ready())) {
    if (child.exitCode === null && Date.now() < deadline) await sleep(50);
    else {
      await end('SIGKILL');
      throw new Error(`the operator did not become ready:\n${log}`);
    }
  }
  return {
    process: child,
    ports: { health, metrics },
    log: () => log,
    metrics: async () => (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text(),
    rssBytes: () => residentBytes(child.pid),
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  };
}

function residentBytes(pid: number | undefined): number {
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
