import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Engine } from '../../../trainer/engine/engine.ts';
import { parseHfConfig } from '../../../trainer/models/config.ts';
import { differs } from '../../../trainer/rollout/remote/shared-requests.ts';
import { runRolloutWorker, type WorkerOptions } from '../../../trainer/rollout/remote/worker.ts';
import { rolloutVersions } from '../../../trainer/stages/rollout/rollout-worker.ts';
import { chooseRuntime } from '../../../trainer/runtime/open-runtime.ts';
import type { SignalWhen } from '../../support/signal-when.ts';
import {
  logOf,
  pin,
  readResult,
  runToResult,
  startStage,
  startTrainer,
  type TrainerProcess,
  writeStage,
} from '../../support/trainer.ts';
import { fromFlat } from '../../support/flat-parameters.ts';

const started: TrainerProcess[] = [];
afterEach(() => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL');
});

const grpo = {
  prompts: ['sums'],
  steps: 24,
  promptsPerStep: 4,
  group: 8,
  learningRate: 1e-3,
  kl: { referenceEvery: 5 },
  sampling: { maxNewTokens: 48 },
  rewards: [{ format: {} }, { length: { max: 40, soft: 30 } }, { random: {} }],
  checkpointEvery: 3,
};
const settings = {
  grpo: { grpo },
  adapters: { grpo: { ...grpo, refine: { rounds: 1 }, steps: 8, learningRate: 1e-2, lora: { rank: 4 } } },
  mismatch: { grpo: { ...grpo, steps: 8, stepsPerRollout: 2, rollout: { accept: 'mismatch' } } },
  sample: { sample: { prompts: ['mixture'], limit: 100, perPrompt: 2, keep: [], sampling: { maxNewTokens: 24 } } },
};
type Type = keyof typeof settings;

const token = 'sesame, sesame, sesame'.replaceAll(/, /g, '-');
let root: string;
const alone: Partial<Record<Type, string | undefined>> = {};
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-workers-'));
  await writeFile(join(root, 'token'), `${token}\n`);
  await runToResult(root, { name: 'base', settings: { pretrain: { data: ['mixture'], steps: 20, batch: 16 } } });
  for (const type of ['grpo', 'adapters', 'sample'] as const) alone[type] = (await learn(type)).digest;
});
afterAll(() => rm(root, { recursive: true, force: true }));

test('workers that die, are frozen, and come later change no bit of a grpo stage', async () => {
  await untilTheyMeet(async () => {
    const port = await freePort();
    const learning = learn('grpo', port);
    const steady = startWorker(port, ['--patience', '15']);
    const ended = new AbortController();
    void learning.finally(() => ended.abort());
    for (let round = 0; !ended.signal.aborted; round++) {
      const victim = startWorker(port);
      await Promise.race([said(victim, 'joined'), learning]);
      await sleep(100 + 70 * (round % 5));
      if (round % 2 === 1) victim.child.kill('SIGSTOP');
      if (round % 2 === 1) await sleep(300);
      victim.child.kill('SIGKILL');
      await victim.ended;
    }
    const { digest, stderr } = await learning;
    expect(digest).toBe(alone.grpo);
    const { code, stdout } = await steady.ended;
    if (code === 69) return false;
    expect(code).toBe(0);
    expect(stderr).toMatch(/rollout worker .* joined with 1 threads/);
    return Number(/the stage is done; (\d+) completions/.exec(stdout)?.[1]) > 0;
  });
});

test('a worker samples with the adapters of its learner, in its precision, also what is tried again', async () => {
  await untilTheyMeet(async () => {
    const port = await freePort();
    const learning = learn('adapters', port);
    const { code, stdout } = await startWorker(port, ['--patience', '15']).ended;
    expect((await learning).digest).toBe(alone.adapters);
    return code === 0 && Number(/the stage is done; (\d+) completions/.exec(stdout)?.[1]) > 0;
  });
});

test('a learner that was killed comes back as another attempt, and its worker goes on with that', async () => {
  await untilTheyMeet(async () => {
    const port = await freePort();
    const out = join(root, `killed-${port}`);
    const worker = startWorker(port, ['--patience', '15']);
    const when = { file: join(out, 'metrics.jsonl'), holds: '"step":8,' };
    await learn('grpo', port, { out, when });
    expect(worker.child.exitCode).toBeNull();
    expect((await learn('grpo', port, { out })).digest).toBe(alone.grpo);
    const { code, stdout } = await worker.ended;
    if (code === 69) return false;
    expect(code).toBe(0);
    return stdout.match(/joined/g)?.length === 2;
  });
});

test('a sample stage has the same rows, and a worker that is told to leaves with exit code 75', async () => {
  const port = await freePort();
  const [stays, leaves] = [startWorker(port), startWorker(port)];
  const learning = learn('sample', port);
  // On a busy machine the learner may be done before a worker has so much as begun.
  const joined = await Promise.race([said(leaves, 'joined').then(() => true), learning.then(() => false)]);
  if (joined) await sleep(200);
  leaves.child.kill('SIGTERM');
  const { code, stdout } = await leaves.ended;
  // 0 tells a Job that it need not be replaced.
  if (joined) expect(code).toBe(stdout.includes('the stage is done') ? 0 : 75);
  expect((await learning).digest).toBe(alone.sample);
  stays.child.kill('SIGTERM'); // it may not have been there in time
  expect([0, 75, null]).toContain((await stays.ended).code); // null: it was still loading
});

test('a worker whose completions are a little off is refused, and changes nothing', async () => {
  const { message, stderr } = await refusal((port) => runRolloutWorker(workerOptions(port, { off: true })));
  expect(message).toContain(`refuses this worker: ${differs}`);
  expect(stderr).toContain(`is refused: ${differs}`);
});

test('a worker with another token is refused', async () => {
  await writeFile(join(root, 'other-token'), 'another-token-altogether');
  const { message } = await refusal(async (port) => {
    const { code, stderr } = await startWorker(port, ['--token-file', join(root, 'other-token'), '--patience', '15'])
      .ended;
    throw new Error(`${code} ${stderr}`);
  });
  expect(message).toMatch(/^64 userError: http:\/\/127.0.0.1:\d+: the learner has another token\n$/);
});

test('a worker of other versions is refused', async () => {
  const versions = { ...rolloutVersions(), instructions: 'neon' };
  const { message } = await refusal((port) => runRolloutWorker(workerOptions(port, { versions })));
  expect(message).toMatch(/refuses this worker: .*instructions is neon, the learner's is /);
});

test('a worker that runs other programs than its learner helps where that is accepted, and what it differs by is told', async () => {
  await untilTheyMeet(async () => {
    const port = await freePort();
    const out = join(root, `mismatch-${port}`);
    const learning = learn('mismatch', port, { out });
    const { code, stdout } = await startWorker(port, ['--patience', '15'], { R1_RUNTIME: 'stock' }).ended;
    const { stderr } = await learning;
    if (code !== 0 || !(Number(/the stage is done; (\d+) completions/.exec(stdout)?.[1]) > 0)) return false;
    if (chooseRuntime().name === 'stock') return true; // nothing to differ from
    expect(stderr).toMatch(/its completions differ in their bits: .*runtime is stock/);
    const steps = (await logOf(out, 'metrics.jsonl')).filter((line) => 'loss' in line) as Record<string, number>[];
    const most = Math.max(...steps.map((step) => step['sampling/sampling_logp_difference/max'] as number));
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(1e-3);
    for (const step of steps) {
      const [min, max] = ['min', 'max'].map((name) => step[`sampling/importance_sampling_ratio/${name}`] as number);
      expect(Math.max(Math.abs(1 - min!), Math.abs(1 - max!))).toBeLessThan(1e-3);
      expect(step['loss']).toEqual(expect.any(Number));
    }
    return true;
  });
});

test('a worker without a learner gives up', async () => {
  const forsaken = startWorker(await freePort(), ['--patience', '1']);
  expect(await forsaken.ended).toMatchObject({ code: 69, stderr: expect.stringContaining('does not answer') });
});

/** Tries again: on a busy machine a learner may be done with a short stage before a worker has so much as begun. */
async function untilTheyMeet(theyMet: () => Promise<boolean>): Promise<void> {
  while (!(await theyMet()));
}

/** How a learner refuses a worker that ends with an error, and what it says of it; its stage ends as without. */
async function refusal(work: (port: number) => Promise<void>): Promise<{ message: string; stderr: string }> {
  let [message, stderr] = ['', ''];
  await untilTheyMeet(async () => {
    const port = await freePort();
    const learning = learn('grpo', port);
    const refused = work(port).then(
      () => '',
      (error: Error) => error.message,
    );
    const learned = await learning;
    expect(learned.digest).toBe(alone.grpo);
    [message, stderr] = [await refused, learned.stderr];
    return message !== '' && !message.includes('does not answer');
  });
  return { message, stderr };
}

let stages = 0;

/** Runs a stage, with a server for workers if a port is given. */
async function learn(
  type: Type,
  port?: number,
  { out = join(root, `${type}-${++stages}`), when }: { out?: string; when?: SignalWhen } = {},
): Promise<{ digest: string | undefined; stderr: string }> {
  const file = await writeStage(root, {
    name: `${type}-${++stages}`,
    stage: type,
    settings: settings[type],
    chat: { stop: ['77'] }, // a text, which no token of the tokenizer is
    model: { input: await pin(root, 'base') },
    out,
    workers: 1,
    ...(type === 'adapters' && { precision: 'bf16' }),
    ...(port !== undefined && { rollout: { port, host: '127.0.0.1', tokenFile: join(root, 'token') } }),
  });
  const learner = startStage(file, { when });
  started.push(learner);
  const { code, signal, stderr } = await learner.ended;
  if (when) expect(signal).toBe('SIGKILL');
  else expect({ code, stderr }).toMatchObject({ code: 0 });
  return { digest: when ? undefined : (await readResult(out, '')).checkpoint?.digest, stderr };
}

function startWorker(
  port: number,
  more: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): TrainerProcess {
  const args = ['--learner', `http://127.0.0.1:${port}`, '--token-file', join(root, 'token'), '--workers', '1'];
  const worker = startTrainer(['rollout', ...args, ...more], { env });
  started.push(worker);
  return worker;
}

/** Options of a worker in this process. */
function workerOptions(port: number, { off = false, versions = rolloutVersions() } = {}): WorkerOptions {
  return {
    learner: new URL(`http://127.0.0.1:${port}`),
    token,
    threads: 4,
    versions,
    signal: new AbortController().signal,
    patienceMs: 15_000,
    say: () => undefined,
    async openModel({ config: json, lora, precision }) {
      const config = { ...parseHfConfig(json, 'test'), lora, precision };
      const engine = await Engine.create({ config, head: 'lm', workers: 1 });
      const bytes = new Uint8Array(4 * engine.layout.size);
      return {
        parameterBytes: bytes.length,
        async takeParameters(receive) {
          await receive(Readable.from([bytes]));
          const parameters = new Float32Array(bytes.buffer);
          if (off) parameters[100] = (parameters[100] as number) * 1.01;
          await engine.writeParameters('policy', fromFlat(engine.layout, parameters));
        },
        generateFree: (requests, options) => engine.generateFree(requests, options),
        close: () => engine.close(),
      };
    },
  };
}

async function said({ child }: TrainerProcess, text: string): Promise<void> {
  let output = '';
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes(text)) resolve();
    });
    child.once('exit', () => resolve());
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
