import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import type { KubeClient } from '../../../operator/kube/client.ts';
import type { KubeObject, ResourceKind } from '../../../operator/kube/resources.ts';

const run = promisify(execFile);

/** A running Kueue; stopped before its cluster is. */
export interface Kueue {
  readonly version: string;
  /** Last words of its log. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

interface ClientConfig {
  service?: { path?: string };
  url?: string;
  caBundle?: string;
}

interface Webhook {
  readonly rules: readonly { readonly apiGroups: string[]; readonly resources: string[] }[];
  clientConfig: ClientConfig;
}

interface Manifest extends KubeObject {
  kind: string;
  metadata: { name: string };
  webhooks?: Webhook[];
  spec?: { conversion?: { webhook?: { clientConfig: ClientConfig } } };
}

const clusterWide = <T extends KubeObject>(apiVersion: string, kind: string, plural: string): ResourceKind<T> => ({
  apiVersion,
  kind,
  plural,
  namespaced: false,
});

const installed = {
  CustomResourceDefinition: clusterWide<Manifest>(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    'customresourcedefinitions',
  ),
  MutatingWebhookConfiguration: clusterWide<Manifest>(
    'admissionregistration.k8s.io/v1',
    'MutatingWebhookConfiguration',
    'mutatingwebhookconfigurations',
  ),
  ValidatingWebhookConfiguration: clusterWide<Manifest>(
    'admissionregistration.k8s.io/v1',
    'ValidatingWebhookConfiguration',
    'validatingwebhookconfigurations',
  ),
};

/** Where Kueue lies: a directory with its program `kueue` and the `manifests.yaml` of the same release. */
export const kueueDirectory = process.env['R1_KUEUE'];

/**
 * Runs the real Kueue controller beside a cluster on loopback, for batch/v1 Jobs alone. The API server reaches its
 * webhooks by URL, as there is no pod network. Needs root: Kueue reads the certificate of its metrics from a fixed
 * path, which only a mount namespace of its own can offer without touching the machine.
 */
export async function startKueue(client: KubeClient, kubeconfig: string): Promise<Kueue> {
  if (kueueDirectory === undefined) throw new Error('R1_KUEUE names no directory with kueue and manifests.yaml');
  const directory = await mkdtemp(join(tmpdir(), 'r1-kueue-'));
  const certificates = join(directory, 'etc/kueue/metrics/certs');
  await mkdir(certificates, { recursive: true });
  await selfSigned(certificates);
  const port = await freePort();
  await install(client, join(kueueDirectory, 'manifests.yaml'), port, await readFile(join(certificates, 'tls.crt')));

  const config = join(directory, 'config.json');
  await writeFile(config, JSON.stringify(configuration(port, certificates)));
  const logFile = join(directory, 'kueue.log');
  const log = openSync(logFile, 'a');
  const overlaid = `mount --make-rprivate / && mount -t overlay -o lowerdir=${directory}/etc:/etc overlay /etc && exec "$@"`;
  const program = join(kueueDirectory, 'kueue');
  const child = spawn(
    'unshare',
    ['--mount', 'sh', '-ec', overlaid, '-', program, '--config', config, '--zap-log-level=2'],
    { env: { ...process.env, KUBECONFIG: kubeconfig }, stdio: ['ignore', log, log] },
  );
  const kueue: Kueue = {
    version: /gitVersion": "([^"]*)"/.exec(await readFile(logFile, 'utf8'))?.[1] ?? 'unknown',
    log: async () => (await readFile(logFile, 'utf8')).slice(-4000),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await rm(directory, { recursive: true });
    },
  };
  try {
    await answers(port, child);
    return kueue;
  } catch (error) {
    const words = await kueue.log();
    await kueue.stop();
    throw new Error(`kueue did not start; its last words:\n${words}`, { cause: error });
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

async function selfSigned(directory: string): Promise<void> {
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=kueue', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-keyout', join(directory, 'tls.key'), '-out', join(directory, 'tls.crt')],
  ]);
}

/** Definitions and webhooks of what runs here: its own objects, and Jobs. */
async function install(client: KubeClient, file: string, port: number, certificate: Buffer): Promise<void> {
  const reach = (config: ClientConfig, path: string): ClientConfig => ({
    url: `https://127.0.0.1:${port}${config.service?.path ?? path}`,
    caBundle: certificate.toString('base64'),
  });
  for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
    const manifest = document.toJS() as Manifest | null;
    const kind = installed[manifest?.kind as keyof typeof installed];
    if (manifest === null || kind === undefined) continue;
    const conversion = manifest.spec?.conversion?.webhook;
    if (conversion) conversion.clientConfig = reach(conversion.clientConfig, '/convert');
    if (manifest.webhooks) {
      manifest.webhooks = manifest.webhooks.filter(({ rules }) =>
        rules.some(({ apiGroups, resources }) => apiGroups.includes('kueue.x-k8s.io') || resources.includes('jobs')),
      );
      for (const webhook of manifest.webhooks) webhook.clientConfig = reach(webhook.clientConfig, '/');
    }
    // oxlint-disable-next-line no-await-in-loop -- a dozen requests, once
    await client.apply(kind, manifest);
  }
  await eventually('the API server serves the objects of Kueue', async () => client.list(workloads, undefined));
}

async function answers(port: number, child: { readonly exitCode: number | null }): Promise<void> {
  const deadline = Date.now() + 60_000;
  const isUp = () => run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`]).then(
    () => true,
    () => false,
  );
  // oxlint-disable no-await-in-loop -- until it answers
  while (!(await isUp())) {
    if (child.exitCode !== null) throw new Error(`kueue ended with ${child.exitCode}`);
    if (Date.now() > deadline) throw new Error('no webhook answers');
    await sleep(200);
  }
  // oxlint-enable no-await-in-loop
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
