import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { randomKey, uniform } from '../../../trainer/algorithms/random.ts';
import type { Pod, Stored } from '../../../operator/kube/client/resources.ts';
import { eventually } from '../support/eventually.ts';
import { describeFaults } from './describe-faults.ts';
import { type Digests, DisturbedPipeline, undisturbed } from './disturbed-pipeline.ts';
import { memoryCgroup } from './pod-process.ts';

const manifest = 'short.yaml';

describeFaults('a stage whose pod is lost goes on to the same checkpoints', (cluster) => {
  let expected: Digests;

  beforeAll(async () => {
    expected = await undisturbed(manifest);
  }, 300_000);

  test('when it is deleted, in order or by force', async () => {
    await using pipeline = await DisturbedPipeline.start(cluster(), manifest);
    const [inOrder, byForce] = [[], ['--grace-period=0', '--force']];
    for (const [stage, steps, flags] of [
      ['base', 12, inOrder],
      ['base', 60, byForce],
      ['zero', 12, byForce],
      ['samples', 1, inOrder],
    ] as const) {
      const pod = await pipeline.saved(stage, steps); // oxlint-disable-line no-await-in-loop -- one after the other
      await pipeline.kubectl('delete', 'pod', pod.metadata.name, ...flags); // oxlint-disable-line no-await-in-loop
    }
    expect(await pipeline.succeeded()).toEqual(expected);
    await expectOutcomes(pipeline, 'base', ['disruption', 'disruption', 'Succeeded']);
    await expectOutcomes(pipeline, 'zero', ['disruption', 'Succeeded']);
    await expectOutcomes(pipeline, 'samples', ['disruption', 'Succeeded']);
    const [gaps, [first]] = [await pipeline.gapsOf('base'), await pipeline.attemptsOf('base')];
    console.log(`after a deletion in order and one by force the next attempt began in ${gaps.join(' and ')} s`);
    expect(first?.message).toMatch(/asked to stop; saved step \d+/);
  }, 600_000);

  test('when it is evicted, and when its node is drained and taken back', async () => {
    await using pipeline = await DisturbedPipeline.start(cluster(), manifest);
    await evict(pipeline, await pipeline.saved('base', 12));
    const pod = await pipeline.saved('zero', 6);
    const node = pod.spec?.nodeName ?? '';
    await cluster().kubectl('drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=90s');
    await sleep(3000); // the operator was drained as well, and its new pod waits for a node
    await cluster().kubectl('uncordon', node);
    expect(await pipeline.succeeded()).toEqual(expected);
    await expectOutcomes(pipeline, 'base', ['disruption', 'Succeeded']);
    await expectOutcomes(pipeline, 'zero', ['disruption', 'Succeeded']);
    expect((await pipeline.attemptsOf('base'))[0]?.message).toMatch(/^evicted: asked to stop; saved step \d+/);
  }, 600_000);

  test('when its trainer is killed while it writes a checkpoint', async () => {
    await using pipeline = await DisturbedPipeline.start(cluster(), manifest);
    const kills: string[] = [];
    for (const [stage, steps] of [
      ['base', 3],
      ['base', 30],
      ['base', 60],
      ['base', 120],
      ['zero', 3],
      ['zero', 24],
      ['zero', 42],
    ] as const) {
      const pod = await pipeline.saved(stage, steps); // oxlint-disable-line no-await-in-loop -- one after the other
      kills.push(await killWhileSaving(pipeline, stage, pod, kills.length)); // oxlint-disable-line no-await-in-loop
    }
    expect(await pipeline.succeeded()).toEqual(expected);
    await expectOutcomes(pipeline, 'base', [...Array<string>(4).fill('infrastructure'), 'Succeeded']);
    await expectOutcomes(pipeline, 'zero', [...Array<string>(3).fill('infrastructure'), 'Succeeded']);
    expect((await pipeline.attemptsOf('base'))[0]?.message).toContain('SIGKILL');
    const gaps = [...(await pipeline.gapsOf('base')), ...(await pipeline.gapsOf('zero'))];
    console.log(`killed over ${kills.join('; ')}; the next attempts began in ${gaps.join(', ')} s`);
  }, 600_000);

  test('when it runs out of memory, and when it had too little to begin with', async () => {
    const tight = { resources: { limits: { cpu: '500m', memory: '64Mi' } } };
    const ample = { resources: { limits: { cpu: '500m', memory: '1Gi' } } };
    await using pipeline = await DisturbedPipeline.start(cluster(), manifest, { stages: { base: ample, zero: tight } });
    await exhaustMemory(pipeline.pidOf(await pipeline.saved('base', 12)));
    const failed = await pipeline.stage(pipeline.name, 'zero', 'Failed', 180_000);
    expect(failed.status?.display?.message).toMatch(
      /^failed 2 times \(outOfMemory\): out of memory: its limit is 64Mi$/,
    );
    expect(failed.status?.failures).toEqual({ outOfMemory: 2 });
    await pipeline.change({ stages: { base: ample, zero: ample } });
    expect(await pipeline.succeeded()).toEqual(expected);
    await expectOutcomes(pipeline, 'base', ['outOfMemory', 'Succeeded']);
    await expectOutcomes(pipeline, 'zero', ['outOfMemory', 'outOfMemory', 'Succeeded']);
  }, 600_000);
});

async function evict(pipeline: DisturbedPipeline, { metadata: { name, namespace } }: Stored<Pod>): Promise<void> {
  await pipeline.client.request({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods/${name}/eviction`,
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } },
  });
}

/** @param ends class of each failed attempt, or how it ended else */
async function expectOutcomes(pipeline: DisturbedPipeline, stage: string, ends: readonly string[]): Promise<void> {
  const attempts = ends.map((end) => (end === 'Succeeded' ? { outcome: end } : { class: end }));
  expect(await pipeline.attemptsOf(stage)).toMatchObject(attempts);
}

/**
 * Kills a trainer at a random moment of a checkpoint.
 *
 * @returns what it left half-written
 */
async function killWhileSaving(
  pipeline: DisturbedPipeline,
  stage: string,
  pod: Stored<Pod>,
  seed: number,
): Promise<string> {
  const pid = pipeline.pidOf(pod);
  const directory = pipeline.directoriesOf(stage).at(-1) ?? '';
  const partials = (): string[] => readdirSync(directory).filter((name) => name.endsWith('.partial'));
  const key = randomKey('kill', seed);
  for (let tries = 0; ; tries++) {
    // oxlint-disable no-await-in-loop -- until it is hit
    while (partials().length === 0) await sleep(0);
    await sleep(uniform(key, tries) * 4);
    process.kill(pid, 'SIGSTOP'); // so that it stays as it is seen
    const left = partials();
    if (left.length > 0) {
      process.kill(pid, 'SIGKILL');
      await eventually('the trainer is gone', async () => !isAlive(pid));
      return `${stage}/${left.join()} (${readdirSync(join(directory, left[0] ?? '')).length} files)`;
    }
    process.kill(pid, 'SIGCONT');
    // oxlint-enable no-await-in-loop
  }
}

/** A process that the kernel likes better than the trainer takes what memory a pod may have. */
async function exhaustMemory(trainer: number): Promise<void> {
  const program = "process.stdin.once('data', () => { for (const kept = []; ;) kept.push(Buffer.alloc(2 ** 24, 1)) })";
  const hog = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'ignore', 'ignore'] });
  try {
    writeFileSync(`/proc/${trainer}/oom_score_adj`, '1000');
    writeFileSync(join(memoryCgroup(trainer), 'cgroup.procs'), String(hog.pid));
    hog.stdin.on('error', () => undefined).write('begin');
    await eventually('the trainer is gone', async () => !isAlive(trainer));
  } finally {
    hog.kill('SIGKILL');
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
