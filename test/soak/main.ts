/** `npm run test:soak`: see test/cluster/README.md. */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import Table from 'cli-table3';
import { randomKey } from '../../trainer/algorithms/random.ts';
import { Deployment } from '../cluster/faults/deployment.ts';
import { controlPlane, type ControlPlane } from '../cluster/support/control-plane.ts';
import { awaitCollector } from './await-collector.ts';
import type { Report } from './auditor/ledger.ts';
import { disturb, type Disturbance } from './disturbances.ts';
import { pipelineOf } from './workload.ts';

const minutes = Number(process.env['R1_SOAK_MINUTES'] ?? 60);
const seed = Number(process.env['R1_SOAK_SEED'] ?? Date.now() % 1_000_000);
/** Pipelines that are there at a time: one that has ended gives way to another. */
const pipelines = 100;
/** What was told late shows in this time, in which nothing is disturbed. */
const quietMs = Math.min(200_000, minutes * 20_000);

const cluster = await controlPlane({ own: true, durable: true });
process.exitCode = 1;
try {
  const namespace = await cluster.namespace();
  await awaitCollector(cluster, namespace);
  console.log(
    `seed ${seed}, ${minutes} minutes, ${pipelines} pipelines; logs are in ${cluster.directory}/log as long as it runs`,
  );
  await using operator = await Deployment.start({
    kubeconfig: cluster.kubeconfig,
    args: ['--namespace', namespace, '--leader-election-id', 'soak'],
  });
  const auditor = spawn(
    process.execPath,
    [fileURLToPath(new URL('auditor/main.ts', import.meta.url)), cluster.kubeconfig, namespace],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const audited = text(auditor.stdout);
  const end = AbortSignal.timeout(minutes * 60_000 - quietMs);
  const disturbed = disturb(cluster, operator, randomKey(seed, 'disturbances'), end);
  const memory = sampleMemory(operator, minutes * 60_000);
  const made = await keepBusy(cluster, namespace, minutes * 60_000);
  auditor.stdin.end();
  const report = JSON.parse(await audited) as Report & { readonly unanswered: number };
  describe(report, await disturbed, await memory, made);
  if (report.faults.length === 0 && report.endedPipelines > 0) process.exitCode = 0;
} finally {
  if (process.exitCode !== 0) await keepTraces(cluster);
  await cluster.release();
}

/** What the cluster holds, and what its programs logged, for whoever looks for the reason. */
async function keepTraces(of: ControlPlane): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'r1-soak-'));
  await cp(join(of.directory, 'log'), join(folder, 'log'), { recursive: true });
  const objects = await of.kubectl('get', 'r1p,r1s,jobs,pods', '--all-namespaces', '-o=yaml').catch(String);
  await writeFile(join(folder, 'objects.yaml'), objects);
  console.log(`what was there at the end is in ${folder}`);
}

/** Applies pipelines, and another for each that has ended. */
async function keepBusy(on: ControlPlane, namespace: string, ms: number): Promise<number> {
  const key = randomKey(seed, 'pipelines');
  const until = performance.now() + ms;
  let made = 0;
  const more = async (count: number): Promise<void> => {
    const next = Array.from({ length: count }, (_, at) => pipelineOf(namespace, key, made + at));
    if (count > 0) await on.apply(next);
    made += count;
  };
  while (performance.now() < until) {
    // oxlint-disable no-await-in-loop -- one after the other
    try {
      const columns = '-o=custom-columns=:.metadata.name,:.status.display.state';
      const lines = (await on.kubectl('get', 'r1p', '-n', namespace, '--no-headers', columns)).split('\n');
      const rows = lines.filter((line) => line !== '').map((line) => line.trim().split(/\s+/));
      const ended = rows.filter(([, state]) => state === 'Succeeded' || state === 'Failed').map(([name = '']) => name);
      if (ended.length > 0) await on.kubectl('delete', 'r1p', '-n', namespace, '--wait=false', ...ended);
      await more(pipelines - rows.length + ended.length);
    } catch {
      // What was disturbed is asked again; a pipeline that was applied without an answer is there, or is one fewer.
    }
    await sleep(Math.min(15_000, Math.max(0, until - performance.now())));
    // oxlint-enable no-await-in-loop
  }
  return made;
}

/** Resident memory of whichever operator runs, in MiB. */
async function sampleMemory(operator: Deployment, ms: number): Promise<number[]> {
  const samples: number[] = [];
  for (let at = 0; at < ms; at += 5000) {
    try {
      samples.push(operator.operator.rssBytes() / 2 ** 20);
    } catch {
      // between two operators
    }
    await sleep(5000); // oxlint-disable-line no-await-in-loop
  }
  return samples;
}

function describe(
  report: Report & { readonly unanswered: number },
  disturbed: Map<Disturbance, number>,
  memory: readonly number[],
  made: number,
): void {
  const found = new Table({ head: ['', 'differed', 'longest', 'allowed', 'faults'], style: { head: [], border: [] } });
  for (const { kind, seen, longestMs, settleMs, faults } of report.kinds) {
    found.push([kind, seen, `${Math.round(longestMs / 1000)} s`, `${settleMs / 1000} s`, faults]);
  }
  console.log(found.toString());
  const { snapshots, unanswered, jobs, endedPipelines } = report;
  console.log(`${made} pipelines were made, ${endedPipelines} seen to end, with ${jobs} Jobs`);
  console.log(`${snapshots} times looked at, ${unanswered} times without an answer`);
  console.log([...disturbed].map(([what, times]) => `${what} ${times} times`).join(', '));
  const half = memory.slice(Math.floor(memory.length / 2));
  console.log(
    `resident memory of the operator: at most ${Math.max(...memory).toFixed(0)} MiB, in the second half ${Math.max(...half).toFixed(0)} MiB`,
  );
  for (const fault of report.faults) console.log(fault);
}
