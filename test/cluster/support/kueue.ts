import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import type { ControlPlane } from './control-plane.ts';
import { freePorts } from './free-ports.ts';
import { run } from './run.ts';
import { selfSigned } from './self-signed.ts';

/** A running Kueue controller; stopped before its control plane is. */
export interface Kueue {
  /** The end of its log. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

interface ClientConfig {
  service?: { path?: string };
  url?: string;
  caBundle?: string;
}

interface Webhook {
  readonly rules: readonly { readonly apiGroups: readonly string[]; readonly resources: readonly string[] }[];
  clientConfig: ClientConfig;
}

interface Manifest {
  kind: string;
  metadata: { name: string };
  webhooks?: Webhook[];
  spec?: { conversion?: { webhook?: { clientConfig: ClientConfig } } };
}

const installed = ['CustomResourceDefinition', 'MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

/** Why the real Kueue cannot run here, and what it needs; undefined when it can. */
export function missingKueue(): string | undefined {
  const directory = process.env.R1_KUEUE;
  if (directory === undefined) {
    return 'R1_KUEUE names no directory with the program `kueue` and the `manifests.yaml` of the same release';
  }
  const missing = ['kueue', 'manifests.yaml'].filter((file) => !existsSync(join(directory, file)));
  if (missing.length > 0) return `${missing.join(', ')} not found in ${directory} (R1_KUEUE)`;
  return process.getuid?.() === 0
    ? undefined
    : 'Kueue reads certificates from /etc: needs root for a private view of it';
}

/**
 * Runs the Kueue controller of R1_KUEUE beside a control plane, for batch/v1 Jobs alone. There is no pod network, so the
 * API server reaches its webhooks by URL on loopback.
 */
export async function startKueue(cluster: ControlPlane): Promise<Kueue> {
  const home = process.env.R1_KUEUE ?? '';
  const directory = await mkdtemp(join(tmpdir(), 'r1-kueue-'));
  // Where Kueue looks for the certificate of its metrics, whatever it is told; laid over /etc for its process alone.
  const certificates = join(directory, 'etc/kueue/metrics/certs');
  await mkdir(certificates, { recursive: true });
  const caBundle = await selfSigned(certificates);
  const [port = 0] = await freePorts(1);
  await install(cluster, join(home, 'manifests.yaml'), directory, port, caBundle);

  const config = join(directory, 'config.json');
  await writeFile(config, JSON.stringify(configuration(port, certificates)));
  const logFile = join(directory, 'kueue.log');
  const log = openSync(logFile, 'a');
  const overlay = `mount --make-rprivate / && mount -t overlay -o lowerdir=${directory}/etc:/etc overlay /etc && exec "$@"`;
  const command = [join(home, 'kueue'), '--config', config, '--zap-log-level', '2'];
  const child = spawn('unshare', ['--mount', 'sh', '-ec', overlay, '-', ...command], {
    env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
    stdio: ['ignore', log, log],
  });
  const ended = once(child, 'exit');
  const kueue: Kueue = {
    log: async () => (await readFile(logFile, 'utf8')).slice(-4000),
    async stop() {
      child.kill('SIGKILL');
      await ended;
      await rm(directory, { recursive: true });
    },
  };
  try {
    await Promise.race([
      answering(port),
      ended.then(([code]) => Promise.reject(new Error(`kueue ended with ${code}`))),
    ]);
    return kueue;
  } catch (error) {
    const words = await kueue.log();
    await kueue.stop();
    throw new Error(`kueue did not start; the end of its log:\n${words}`, { cause: error });
  }
}

function configuration(port: number, certificates: string): object {
  return {
    apiVersion: 'config.kueue.x-k8s.io/v1beta2',
    kind: 'Configuration',
    namespace: 'kube-system',
    health: { healthProbeBindAddress: '0' },
    metrics: { bindAddress: '0' },
    webhook: { host: '127.0.0.1', port, certDir: certificates },
    leaderElection: { leaderElect: false },
    internalCertManagement: { enable: false },
    integrations: { frameworks: ['batch/job'] },
    featureGates: { VisibilityOnDemand: false },
  };
}

/** Its resource definitions, and its webhooks for what runs here: Jobs, and its own objects. */
async function install(
  cluster: ControlPlane,
  file: string,
  directory: string,
  port: number,
  caBundle: string,
): Promise<void> {
  const onLoopback = ({ service }: ClientConfig): ClientConfig => ({
    url: `https://127.0.0.1:${port}${service?.path ?? ''}`,
    caBundle,
  });
  const manifests = parseAllDocuments(await readFile(file, 'utf8'))
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null)
    .filter(({ kind }) => installed.includes(kind));
  for (const manifest of manifests) {
    const conversion = manifest.spec?.conversion?.webhook;
    if (conversion) conversion.clientConfig = onLoopback(conversion.clientConfig);
    if (manifest.webhooks === undefined) continue;
    manifest.webhooks = manifest.webhooks.filter(({ rules }) =>
      rules.some(({ apiGroups: [group], resources }) => group === 'kueue.x-k8s.io' || resources.includes('jobs')),
    );
    for (const webhook of manifest.webhooks) webhook.clientConfig = onLoopback(webhook.clientConfig);
  }
  const list = join(directory, 'manifests.json');
  await writeFile(list, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }));
  // Server-side: one of them is too large for the annotation of a client-side apply.
  await cluster.kubectl('apply', '--server-side', '-f', list);
  const definitions = manifests.filter(({ kind }) => kind === 'CustomResourceDefinition');
  const names = definitions.map(({ metadata }) => `crd/${metadata.name}`);
  await cluster.kubectl('wait', '--for=condition=Established', '--timeout=30s', ...names);
}

/** Resolves once the webhook server listens. */
async function answering(port: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`]);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(200);
    }
  }
}
