import { afterEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readPipelineState } from '../../../operator/local/pipeline-state.ts';
import { findProcesses } from '../../../trainer/contract/process/process-table.ts';
import { manifest } from '../../support/manifest.ts';
import { digests, fourStages, pipelineOf, Workbench } from '../../support/pipelines.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Runner {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; output: string }>;
  /** Waits until the output holds a text so many times (once), or the run has ended. */
  readonly until: (text: string, times?: number) => Promise<void>;
}

/** Starts a run in a process of its own. */
function startRunner(bench: Workbench, spec = fourStages, graceMs = 500): Runner {
  const file = join(bench.folder, 'pipeline.yaml');
  writeFileSync(file, manifest(spec));
  const script = join(import.meta.dirname, '../../support/run-local.ts');
  const child = spawn(
    process.execPath,
    [script, file, bench.stateDir, join(bench.folder, 'plan.json'), String(graceMs)],
    {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Uint8Array) => {
    output += new TextDecoder().decode(chunk);
  });
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.on('exit', (code) => resolve({ code, output }));
  });
  const until = async (text: string, times = 1): Promise<void> => {
    while (child.exitCode === null && child.signalCode === null && output.split(text).length <= times) await sleep(10);
  };
  return { child, ended, until };
}

function trainersOf(bench: Workbench): Promise<unknown[]> {
  return findProcesses(`--stage ${bench.stateDir}/test/files/`);
}

test('a run that is killed again and again ends in the same weights and repeats no finished stage', async () => {
  const slow = { stepMs: 60 };
  const plan = { pretrained: [slow], zero: [slow], samples: [slow], student: [slow] };
  const undisturbed = await new Workbench(plan).run(pipelineOf(fourStages));

  const bench = new Workbench(plan);
  let kills = 0;
  for (;;) {
    const { child, ended, until } = startRunner(bench);
    // The first dies before it has begun, others in the middle of a stage or between two.
    const killed = await Promise.race([ended.then(() => false), until('"progress":{', kills).then(() => true)]);
    if (!killed) break;
    child.kill('SIGKILL');
    await ended;
    kills++;
  }
  expect(kills).toBeGreaterThan(2);

  const result = await bench.run(pipelineOf(fourStages));
  expect(digests(result)).toEqual(digests(undisturbed));
  for (const { spec, status } of result.stages) {
    expect(status?.attempts.filter(({ outcome }) => outcome === 'Succeeded')).toHaveLength(1);
    expect(status?.failures).toEqual({});
    const volume = join(bench.stateDir, 'test/volume', spec.stage);
    expect(existsSync(join(volume, 'two-writers'))).toBe(false);
    expect(readdirSync(volume).filter((name) => name.endsWith('.partial'))).toEqual([]);
  }
});

test('a trainer that outlived its runner is ended, once it has saved, before the next attempt starts', async () => {
  const bench = new Workbench({ pretrained: [{ stepMs: 300, steps: 20 }, {}] });
  const { child, until, ended } = startRunner(bench);
  await until('"step":2');
  child.kill('SIGKILL');
  await ended;
  expect(await trainersOf(bench)).toHaveLength(1);
  const state = await readPipelineState(bench.stateDir, 'test');
  expect(state).toMatchObject({ runner: undefined, pipeline: { status: { display: { state: 'Interrupted' } } } });

  const result = await bench.run(pipelineOf(fourStages));
  expect(bench.events.find(({ type }) => type === 'note')).toMatchObject({
    message: expect.stringMatching(/ended trainer \d+/),
  });
  expect(result.outcome).toBe('Succeeded');
  expect(existsSync(join(bench.stateDir, 'test/volume/pretrained/two-writers'))).toBe(false);
  expect(result.stages[0]?.status?.attempts.map(({ outcome }) => outcome)).toEqual(['Interrupted', 'Succeeded']);
});

test('an orphan that does not listen is killed', async () => {
  const bench = new Workbench({ pretrained: [{ failAfter: 1, hang: true, ignoreSigterm: true }, {}] });
  const { child, until, ended } = startRunner(bench);
  await until('"step":1');
  child.kill('SIGKILL');
  await ended;
  expect((await bench.run(pipelineOf(fourStages), { graceMs: 200 })).outcome).toBe('Succeeded');
  expect(existsSync(join(bench.stateDir, 'test/volume/pretrained/two-writers'))).toBe(false);
});

test('the first Ctrl-C lets the trainer save, and the next run goes on from there', async () => {
  const bench = new Workbench({ zero: [{ stepMs: 200, steps: 30 }, { steps: 30 }] });
  const { child, until, ended } = startRunner(bench, fourStages, 1e6);
  await until('"zero","attempt":1,"progress":{"type":"progress"');
  child.kill('SIGINT');
  const { code, output } = await ended;
  expect(code).toBe(130);
  expect(output).toContain('stopping: the running stage saves its work');
  expect(await trainersOf(bench)).toEqual([]);
  const state = await readPipelineState(bench.stateDir, 'test');
  expect(state?.pipeline.status?.display).toMatchObject({ state: 'Interrupted', progress: '1/4' });
  expect(state?.stages[1]?.status?.attempts).toMatchObject([
    { outcome: 'Interrupted', message: expect.stringContaining('saved step') },
  ]);

  const result = await bench.run(pipelineOf(fourStages));
  expect(result.outcome).toBe('Succeeded');
  const steps = bench
    .read('volume/zero/steps.log')
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[1]);
  expect(steps).toEqual(Array.from({ length: 30 }, (_, index) => String(index + 1)));
});

test('a trainer that does not listen is killed when its time to save is over', async () => {
  const bench = new Workbench({ pretrained: [{ failAfter: 1, hang: true, ignoreSigterm: true }] });
  const { child, until, ended } = startRunner(bench);
  await until('"step":1');
  child.kill('SIGTERM');
  expect((await ended).code).toBe(130);
  expect(await trainersOf(bench)).toEqual([]);
});

test('a second Ctrl-C does not wait for a trainer that does not end', async () => {
  const bench = new Workbench({ pretrained: [{ failAfter: 1, hang: true, ignoreSigterm: true }] });
  const { child, until, ended } = startRunner(bench, fourStages, 1e6);
  await until('"step":1');
  child.kill('SIGINT');
  await until('stopping');
  child.kill('SIGINT');
  expect((await ended).code).toBe(130);
  expect(await trainersOf(bench)).toEqual([]);
});

test('a second run of the same pipeline is refused, and a lock whose process is gone is taken over', async () => {
  const bench = new Workbench({ pretrained: [{ stepMs: 200, steps: 20 }, {}] });
  const { child, until, ended } = startRunner(bench);
  await until('"step":1');
  await expect(bench.run(pipelineOf(fourStages))).rejects.toThrow(
    `test/run.lock: held by process ${child.pid} on ${hostname()} since `,
  );
  child.kill('SIGKILL');
  await ended;
  const lock = join(bench.stateDir, 'test/run.lock');
  expect(existsSync(lock)).toBe(true);
  expect((await bench.run(pipelineOf(fourStages))).outcome).toBe('Succeeded');
  expect(existsSync(lock)).toBe(false);
  mkdirSync(lock); // as a crash of the machine may leave it
  expect((await bench.run(pipelineOf(fourStages))).outcome).toBe('Succeeded');
  expect(readFileSync(join(bench.stateDir, 'test/pipeline.json'), 'utf8')).toContain('"Succeeded"');
});
