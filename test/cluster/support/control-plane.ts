/**
 * A real control plane with fake GPU nodes (kwok) for tests: etcd, API server, controller manager, scheduler, and the
 * project's CRDs. One is shared by all test files of a run; it starts when the first of them asks and ends with the run.
 */
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './free-ports.ts';
import { missingForNode } from './real-node.ts';
import { run } from './run.ts';
import { testRunDirectory, testRunPid } from './test-run.ts';
import { clusterProgram, controlPlanePrograms, missingPrograms, scripts } from './tools.ts';

/** Long enough to build the programs where that was asked for. */
export const startTimeoutMs = process.env.R1_BUILD_CLUSTER === '1' ? 40 * 60_000 : 120_000;

export interface ControlPlane {
  /** Of a user who may do everything. */
  readonly kubeconfig: string;
  /** Logs are in its folder `log`, one a program. */
  readonly directory: string;
  /** Runs kubectl and returns what it printed; throws with what it said on stderr. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** `kubectl apply` of a manifest, or of objects. */
  apply(manifest: string | readonly object[]): Promise<string>;
  /** A new namespace, deleted with what is in it when the test file ends. */
  namespace(): Promise<string>;
  /** Ends one of its programs and leaves it down; only on a control plane of one's own. */
  stop(program: ControlPlaneProgram, signal?: 'KILL' | 'TERM'): Promise<void>;
  /** Starts again what was stopped. */
  start(program: ControlPlaneProgram): Promise<void>;
}

export interface HeldControlPlane extends ControlPlane {
  /** Ends an own control plane; of the shared one, it deletes the namespaces made through this handle. */
  release(): Promise<void>;
}

export type ControlPlaneProgram = Exclude<(typeof controlPlanePrograms)[number], 'kubectl'> | 'kubelet' | 'containerd';

export interface ControlPlaneOptions {
  /** Not the shared one, but one that the test may break. It costs half a gigabyte of memory and ten seconds. */
  readonly own?: boolean;
  /** With `own`: etcd writes through to the disk, so that it survives being killed. */
  readonly durable?: boolean;
  /**
   * One of its own with a node that really runs pods, has dynamic volumes and 8 GPUs in name. 20 s, 800 MB, and root;
   * the CRDs are left to the chart.
   */
  readonly node?: boolean;
  /** With `node`: images that image.sh has built, loaded as the node starts. */
  readonly images?: readonly string[];
  /** With `own`: further flags of the API server, without blanks. */
  readonly apiServerFlags?: readonly string[];
}

/** Starts or joins a control plane; whoever calls it must call `release` at the end. */
export async function controlPlane(options: ControlPlaneOptions = {}): Promise<HeldControlPlane> {
  const missing = missingFor(options);
  if (missing !== undefined) throw new Error(missing);
  const own = options.own === true || options.node === true;
  const directory = own ? mkdtempSync(join(tmpdir(), 'r1-control-plane-')) : sharedState();
  if (own) await bringUp(directory, process.pid, options);
  else await joinShared(directory);
  return open(directory, own);
}

/** Why such a control plane cannot be had here and how to get it; undefined when it can. */
export function missingFor({ node = false }: ControlPlaneOptions): string | undefined {
  return node ? missingForNode() : missingPrograms(controlPlanePrograms);
}

/** State of the control plane that the test files of this run share. */
export function sharedState(): string {
  return join(testRunDirectory(), 'control-plane');
}

export async function takeDown(directory: string): Promise<void> {
  await run(join(scripts, 'down.sh'), [], { env: { R1_CLUSTER_STATE: directory } });
}

async function joinShared(directory: string): Promise<void> {
  mkdirSync(testRunDirectory(), { recursive: true });
  const [ready, failed] = [join(testRunDirectory(), 'ready'), join(testRunDirectory(), 'failed')];
  if (first(join(testRunDirectory(), 'starting'))) {
    try {
      await bringUp(directory, testRunPid(), {});
    } catch (error) {
      await writeFile(failed, String(error));
      throw error;
    }
    await writeFile(ready, '');
  }
  const deadline = Date.now() + startTimeoutMs;
  while (!existsSync(ready)) {
    if (existsSync(failed) || Date.now() > deadline) throw new Error('the shared control plane did not start');
    await sleep(100);
  }
}

/** True for one caller among all workers. */
function first(marker: string): boolean {
  try {
    mkdirSync(marker);
    return true;
  } catch {
    return false;
  }
}

async function bringUp(
  directory: string,
  ownerPid: number,
  { durable = false, node = false, images = [], apiServerFlags = [] }: ControlPlaneOptions,
): Promise<void> {
  const [api, etcd, kwok] = await freePorts(3);
  const env = {
    R1_CLUSTER_STATE: directory,
    R1_API_PORT: String(api),
    R1_ETCD_PORT: String(etcd),
    R1_KWOK_PORT: String(kwok),
  };
  const guarded = {
    ...env,
    R1_OWNER_PID: String(ownerPid),
    R1_IMAGES: images.join(' '),
    R1_API_FLAGS: apiServerFlags.join(' '),
    ...(durable && { R1_FSYNC: '1' }),
  };
  try {
    await run(join(scripts, node ? 'node-up.sh' : 'up.sh'), [], { env: guarded });
  } catch (error) {
    const logs = join(tmpdir(), `r1-failed-cluster-${Date.now()}`);
    await cp(join(directory, 'log'), logs, { recursive: true }).catch(() => undefined);
    await takeDown(directory);
    throw new Error(`the cluster did not start; its logs are in ${logs}`, { cause: error });
  }
}

function open(directory: string, own: boolean): HeldControlPlane {
  const kubeconfig = join(directory, 'admin.kubeconfig');
  const namespaces: string[] = [];
  const kubectl = (args: readonly string[], stdin?: string) =>
    run(clusterProgram('kubectl') ?? 'kubectl', args, { env: { KUBECONFIG: kubeconfig }, ...(stdin && { stdin }) });
  const component = (...args: readonly string[]) => {
    if (!own) throw new Error('the shared control plane must not be broken: ask for { own: true }');
    return run(join(scripts, 'component.sh'), args, { env: { R1_CLUSTER_STATE: directory } });
  };
  return {
    kubeconfig,
    directory,
    kubectl: (...args) => kubectl(args),
    apply: (manifest) =>
      kubectl(
        ['apply', '-f', '-'],
        typeof manifest === 'string' ? manifest : JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifest }),
      ),
    async namespace() {
      const name = `test-${process.pid}-${Date.now().toString(36)}-${namespaces.length}`;
      await kubectl(['create', 'namespace', name]);
      // Pods without a service account are refused, and the controller manager makes it a moment later.
      await kubectl(['wait', '--for=create', 'serviceaccount/default', '-n', name, '--timeout=30s']);
      namespaces.push(name);
      return name;
    },
    stop: async (program, signal = 'KILL') => void (await component('stop', program, signal)),
    start: async (program) => void (await component('start', program)),
    async release() {
      if (own) await takeDown(directory);
      else if (namespaces.length > 0) await kubectl(['delete', 'namespace', '--wait=false', ...namespaces]);
    },
  };
}
