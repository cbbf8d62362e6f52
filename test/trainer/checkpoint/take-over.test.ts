import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test } from '@jest/globals';
import { publishCheckpoint, verifyCheckpoint } from '../../../trainer/checkpoint/store.ts';
import { removeRuns, takeOver } from '../../../trainer/checkpoint/take-over.ts';
import { stepDirectory } from '../../../trainer/contract/files/checkpoint.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const publisher = fileURLToPath(new URL('../../support/publish-checkpoints.ts', import.meta.url));
const mine = 'a'.repeat(64);
const other = 'b'.repeat(64);
const chunks = `chunks-${mine.slice(0, 12)}`;

const attempt = (number: number): string => join(directory(), '0badcafe', `attempt-${number}`);
beforeEach(async () => {
  for (const number of [1, 2, 3]) await mkdir(attempt(number), { recursive: true });
});

test('what was saved moves, logs are copied, and nothing else stays', async () => {
  await publish(1, 100);
  await publish(1, 200);
  await write(1, 'step-000300.partial/model.safetensors', 'half');
  await write(1, 'tokenizer/vocab.json', '{}');
  await write(1, 'rollouts/step-000201.jsonl', '{}');
  await write(1, `${chunks}/000000.json`, '[]');
  await write(1, `${chunks}/000001.json.partial`, '[');
  for (const name of ['metrics.jsonl', 'samples.jsonl', 'decisions.jsonl']) await write(1, name, `${name}\n`);

  await takeOver(attempt(2), [attempt(1)], mine);
  expect(await tree(2)).toEqual([
    chunks,
    `${chunks}/000000.json`,
    'decisions.jsonl',
    'metrics.jsonl',
    'rollouts',
    'rollouts/step-000201.jsonl',
    'samples.jsonl',
    ...stepFiles(100),
    ...stepFiles(200),
  ]);
  expect(await readdir(join(directory(), '0badcafe'))).toEqual(['attempt-2', 'attempt-3']);

  await takeOver(attempt(2), [attempt(1)], mine); // nothing is left to be done
  expect(await tree(2)).toHaveLength(13);
});

test('of several attempts the newest comes first; what only an older one has is not lost', async () => {
  await publish(1, 100);
  await write(1, 'metrics.jsonl', 'old\n');
  await publish(2, 200);
  await write(2, 'metrics.jsonl', 'new\n');
  await takeOver(attempt(3), [attempt(1), attempt(2)], mine);
  expect((await readdir(attempt(3))).toSorted()).toEqual(['metrics.jsonl', 'step-000100', 'step-000200']);
  expect(await readFile(join(attempt(3), 'metrics.jsonl'), 'utf8')).toBe('new\n');
});

test('a take-over that died halfway is completed by the next attempt', async () => {
  await publish(1, 100);
  await publish(2, 200);
  await write(1, 'metrics.jsonl', 'all\n');
  // The second attempt had closed the first and moved one of two checkpoints, but not copied the log.
  await spawnShell(`mv "$0" "$0.closed"`, attempt(1));
  await takeOver(attempt(3), [attempt(1), attempt(2)], mine);
  expect((await readdir(attempt(3))).toSorted()).toEqual(['metrics.jsonl', 'step-000100', 'step-000200']);
});

test('what has other settings, or no manifest, stays where it is', async () => {
  await publish(1, 100, other);
  await publish(1, 200);
  await write(1, 'step-000300/model.safetensors', 'no manifest');
  await write(1, 'chunks-bbbbbbbbbbbb/000000.json', '[]');
  await takeOver(attempt(2), [attempt(1)], mine);
  expect(await readdir(attempt(2))).toEqual(['step-000200']);
  expect((await readdir(`${attempt(1)}.closed`)).toSorted()).toEqual([
    'chunks-bbbbbbbbbbbb',
    'step-000100',
    'step-000300',
  ]);
});

test('attempts that never wrote anything are none', async () => {
  await takeOver(attempt(3), [join(directory(), 'none'), attempt(1)], mine);
  expect(await readdir(attempt(3))).toEqual([]);
});

test.each([
  { name: 'by the name of its directory', cwd: false },
  { name: 'by a handle of its directory, as over NFS', cwd: true },
])('an earlier attempt that goes on publishing $name does no harm', async ({ cwd }) => {
  for (const number of [2, 3]) {
    const old = attempt(number - 1);
    await mkdir(old, { recursive: true });
    const zombie = spawn(process.execPath, [publisher, cwd ? '.' : old, 'forever'], {
      cwd: old,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(zombie, 'close');
    for await (const line of createInterface(zombie.stdout)) if (line.startsWith('published')) break;
    zombie.stdout.resume(); // what is said later is not read, but must not fill the pipe
    const earlier = Array.from({ length: number - 1 }, (_, at) => attempt(at + 1));
    await takeOver(attempt(number), earlier, mine);
    const taken = await readdir(attempt(number));
    expect(taken.length).toBeGreaterThan(0);
    await sleep(100);
    for (const name of taken) await verifyCheckpoint(join(attempt(number), name));
    zombie.kill(); // unless it has failed, as its directory is gone
    await ended;
    expect(await readdir(attempt(number))).toEqual(taken);
    for (const name of taken) await verifyCheckpoint(join(attempt(number), name));
  }
});

test('only runs that are named are removed, and never the own one', async () => {
  for (const name of ['deadbeef', 'cafecafe', 'notes']) {
    await mkdir(join(directory(), name, 'attempt-1/step-000001'), { recursive: true });
  }
  await removeRuns(attempt(1), ['deadbeef', '0badcafe', '11111111']);
  expect((await readdir(directory())).toSorted()).toEqual(['0badcafe', 'cafecafe', 'notes']);
});

async function publish(number: number, step: number, settingsDigest = mine): Promise<void> {
  const name = stepDirectory(step);
  await publishCheckpoint(attempt(number), {
    name,
    step,
    final: false,
    settingsDigest,
    engine: {},
    write: (partial) => writeFile(join(partial, 'config.json'), '{}'),
  });
}

async function write(number: number, path: string, content: string): Promise<void> {
  await mkdir(join(attempt(number), path, '..'), { recursive: true });
  await appendFile(join(attempt(number), path), content);
}

async function tree(number: number): Promise<string[]> {
  return (await readdir(attempt(number), { recursive: true })).toSorted();
}

function stepFiles(step: number): string[] {
  const name = stepDirectory(step);
  return [name, `${name}/checkpoint.json`, `${name}/config.json`];
}

async function spawnShell(script: string, argument: string): Promise<void> {
  const [code] = (await once(spawn('sh', ['-c', script, argument]), 'close')) as [number];
  expect(code).toBe(0);
}
