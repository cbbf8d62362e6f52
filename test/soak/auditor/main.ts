/**
 * Compares what statuses say with Jobs and pods, every second, until its stdin ends; then prints its report as JSON. It shares
 * no code with the operator: what both had wrong nobody would see.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from './cluster.ts';
import { Ledger } from './ledger.ts';

const everyMs = 1000;
const [kubeconfig = '', namespace = ''] = process.argv.slice(2);
const cluster = new Cluster(kubeconfig);
const ledger = new Ledger();
let unanswered = 0;
const end = new AbortController();
process.stdin.on('end', () => end.abort()).resume();

while (!end.signal.aborted) {
  const startedAt = performance.now();
  // oxlint-disable no-await-in-loop -- one after the other
  const snapshot = await cluster.snapshot(namespace).catch(() => undefined);
  if (snapshot === undefined) unanswered++;
  else ledger.add(snapshot, performance.now());
  await sleep(Math.max(0, startedAt + everyMs - performance.now()));
  // oxlint-enable no-await-in-loop
}
console.log(JSON.stringify({ ...ledger.report(), unanswered }));
process.exit();
