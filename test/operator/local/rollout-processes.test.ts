import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { endOrphans } from '../../../operator/local/orphans.ts';
import { findProcesses, type RunningProcess } from '../../../trainer/contract/process/process-table.ts';
import { prepareRollout, RolloutProcesses } from '../../../operator/local/rollout-processes.ts';
import { trainerCommand } from '../../../trainer/contract/process/trainer-command.ts';
import { digests, pipelineOf, Workbench } from '../../support/pipelines.ts';

const benches: Workbench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) for (const { pid } of await workersOf(bench)) process.kill(pid, 'SIGKILL');
});

function workbench(...plan: ConstructorParameters<typeof Workbench>): Workbench {
  const bench = new Workbench(...plan);
  benches.push(bench);
  return bench;
}

const filesOf = (bench: Workbench): string => join(bench.stateDir, 'test/files');
const workersOf = (bench: Workbench): Promise<RunningProcess[]> => findProcesses(`--token-file ${filesOf(bench)}/`);

const twoStages = (grpo: string, rolloutWorkers: number): string => `
seed: 3
base: {init: {hiddenSize: 32, layers: 2, heads: 2, kvHeads: 1, maxLength: 128}}
datasets:
  - {name: sums, generator: {task: addition, digits: 1, rows: 60}}
  - {name: mixture, generator: {task: mixture, digits: 1, rows: 100}}
stages:
  - {name: base, rolloutWorkers: 3, pretrain: {data: [mixture], steps: 4, batch: 8}}
  - name: zero
    model: {from: base}
    rolloutWorkers: ${rolloutWorkers}
    grpo: {prompts: [sums], ${grpo}, rewards: [{format: {}}, {random: {}}]}
`;

test('workers run beside a stage that generates, are started again when they die, and leave nothing behind', async () => {
  const bench = workbench({ zero: [{ stepMs: 1000, steps: 4 }] });
  const running = bench.run(pipelineOf(twoStages('steps: 3', 2)));
  const first = await until(bench, (workers) => workers.length === 2);
  const token = join(filesOf(bench), 'zero.attempt-1.token');
  expect(statSync(token).mode & 0o777).toBe(0o600);
  expect(bench.read('files/zero.attempt-1.json')).toContain(`"tokenFile": "${token}"`);
  expect(JSON.parse(bench.read('files/base.attempt-1.json')).rollout).toBeUndefined();

  process.kill(first[0]!.pid, 'SIGKILL');
  await until(
    bench,
    (workers) => workers.length === 2 && workers.some(({ pid }) => first.every((old) => old.pid !== pid)),
  );

  expect((await running).outcome).toBe('Succeeded');
  expect(await workersOf(bench)).toEqual([]);
  expect(existsSync(token)).toBe(false);
  const logs = readdirSync(join(bench.stateDir, 'test/logs')).filter((name) => name.includes('rollout'));
  expect(logs).toEqual(['zero.attempt-1.rollout-1.log', 'zero.attempt-1.rollout-2.log']);
  for (const log of logs) expect(bench.read(`logs/${log}`)).toContain('waits for a learner');
});

test('workers that outlived their runner are ended with its trainers, and the secret goes', async () => {
  const bench = workbench();
  const rollout = await prepareRollout(join(filesOf(bench), 'zero.attempt-1.token'));
  const log = (worker: number): string => join(bench.stateDir, `rollout-${worker}.log`);
  const processes = new RolloutProcesses({ command: bench.trainer, count: 1, rollout, log });
  await until(bench, (workers) => workers.length === 1);
  expect(await endOrphans(filesOf(bench), 2000)).toEqual([]); // of trainers there was none
  expect(existsSync(rollout.tokenFile)).toBe(false);
  expect(await workersOf(bench)).toEqual([]);
  await processes.end();
});

test('with the real trainer they help, and the weights are those of a run without them', async () => {
  const trainer = trainerCommand();
  const grpo = 'steps: 12, promptsPerStep: 4, group: 8, learningRate: 0.001, sampling: {maxNewTokens: 48}';
  const alone = await workbench().run(pipelineOf(twoStages(grpo, 0)), { trainer, workers: 1 });
  const bench = workbench();
  const helped = await bench.run(pipelineOf(twoStages(grpo, 1)), { trainer, workers: 1 });
  expect(helped.outcome).toBe('Succeeded');
  expect(digests(helped)).toEqual(digests(alone));
  expect(bench.read('logs/zero.attempt-1.rollout-1.log')).toMatch(/joined http:\/\/127\.0\.0\.1:\d+/);
});

async function until(bench: Workbench, holds: (workers: RunningProcess[]) => boolean): Promise<RunningProcess[]> {
  for (;;) {
    const workers = await workersOf(bench);
    if (holds(workers)) return workers;
    await sleep(50);
  }
}
