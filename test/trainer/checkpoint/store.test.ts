import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { newestCheckpoint, publishCheckpoint, verifyCheckpoint } from '../../../trainer/checkpoint/store.ts';
import type { CheckpointToPublish } from '../../../trainer/checkpoint/store.ts';
import { removePartials } from '../../../trainer/checkpoint/partials.ts';
import type { Writer } from '../../../trainer/contract/files/directory-lock.ts';
import { AnotherWriterError, DiskFullError, UserError } from '../../../trainer/contract/process/errors.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const publisher = fileURLToPath(new URL('../../support/publish-checkpoints.ts', import.meta.url));

const mine = 'a'.repeat(64);
const other = 'b'.repeat(64);

describe('publication', () => {
  test('describes every file and gives a digest that depends on the content alone', async () => {
    const first = await publish(5, { parent: { stage: 'base', digest: other } });
    expect(first).toEqual({ path: join(directory(), 'step-000005'), step: 5, digest: first.digest });
    expect(await readdir(directory())).toEqual(['step-000005']);
    const { manifest } = await verifyCheckpoint(first.path, first.digest);
    expect(manifest).toMatchObject({ version: 1, step: 5, final: false, settingsDigest: mine, engine: { node: '24' } });
    expect(manifest.parent).toEqual({ stage: 'base', digest: other });
    expect(manifest.files).toEqual([
      {
        path: 'config.json',
        bytes: 2,
        sha256: '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
      },
      expect.objectContaining({ path: 'trainer/state.json', bytes: 1 }),
    ]);

    await rm(first.path, { recursive: true });
    expect(await publish(5, { parent: { stage: 'base', digest: other } })).toEqual(first);
  });

  test('rows have their own name', async () => {
    const { path, digest } = await publish(0, { name: 'data' });
    expect(path).toBe(join(directory(), 'data'));
    await verifyCheckpoint(path, digest);
  });

  test('keeps the newest, some before it, and everything final or of other settings', async () => {
    await publish(1, { settingsDigest: other });
    await publish(2, { final: true });
    for (const step of [3, 4, 5, 6]) await publish(step, {}, 2);
    expect(await readdir(directory())).toEqual([
      'step-000001',
      'step-000002',
      'step-000004',
      'step-000005',
      'step-000006',
    ]);
  });

  test('replaces a broken checkpoint of the same step and leaves an equal one alone', async () => {
    const { path, digest } = await publish(1);
    await truncate(join(path, 'config.json'));
    expect(await publish(1)).toEqual({ path, step: 1, digest });
    await verifyCheckpoint(path, digest);
    expect(await publish(1)).toEqual({ path, step: 1, digest });
    expect(await readdir(directory())).toEqual(['step-000001']);
  });

  test('of a process that has lost the directory is none, and leaves nothing', async () => {
    let checks = 0;
    const writer = {
      check: async () => {
        if (++checks === 2) throw new AnotherWriterError('lost'); // while it wrote
      },
    };
    await expect(publish(10, {}, undefined, writer)).rejects.toThrow('lost');
    expect(await readdir(directory())).toEqual([]);
  });

  test('of a process that lost the directory in the last moment fails', async () => {
    await publish(9);
    const writer = { check: async () => removePartials(directory()) }; // as the other one does
    await expect(publish(10, {}, undefined, writer)).rejects.toThrow('ENOENT');
    expect(await readdir(directory())).toEqual(['step-000009']);
  });

  test('a failing write leaves nothing', async () => {
    const failing = publish(1, { write: () => Promise.reject(new Error('no')) });
    await expect(failing).rejects.toThrow('no');
    expect(await readdir(directory())).toEqual([]);
  });

  test('links are refused: their target would not be part of the checkpoint', async () => {
    const linking = publish(1, { write: (partial) => symlink('/etc/passwd', join(partial, 'passwd')) });
    await expect(linking).rejects.toThrow(/passwd: is neither a file nor a directory$/);
  });
});

describe('verification, each fault with one message', () => {
  test.each([
    {
      name: 'no manifest',
      harm: (path: string) => rm(join(path, 'checkpoint.json')),
      message: /checkpoint.json: is not a checkpoint manifest: ENOENT/,
    },
    {
      name: 'a truncated manifest',
      harm: (path: string) => truncate(join(path, 'checkpoint.json'), 20),
      message: /checkpoint.json: is not a checkpoint manifest: /,
    },
    {
      name: 'a missing file',
      harm: (path: string) => rm(join(path, 'config.json')),
      message: /config.json: is in the checkpoint's manifest, but missing$/,
    },
    {
      name: 'a truncated file',
      harm: (path: string) => truncate(join(path, 'config.json'), 1),
      message: /config.json: has 1 bytes; its manifest says 2$/,
    },
    {
      name: 'a changed file',
      harm: (path: string) => writeFile(join(path, 'config.json'), '[]'),
      message: /config.json: has SHA-256 [0-9a-f]{64}; its manifest says 44136fa/,
    },
    {
      name: 'a further file',
      harm: (path: string) => writeFile(join(path, 'trainer/new.py'), ''),
      message: /trainer\/new.py: is not in the checkpoint's manifest$/,
    },
    {
      name: 'a link',
      harm: (path: string) => symlink('/etc/passwd', join(path, 'link')),
      message: /link: is neither a file nor a directory$/,
    },
    {
      name: 'a path that leaves it',
      harm: (path: string) => edit(path, (text) => text.replace('config.json', '../config.json')),
      message: /the path "..\/config.json" is not inside the checkpoint$/,
    },
    {
      name: 'an unknown version',
      harm: (path: string) => edit(path, (text) => text.replace('"version": 1', '"version": 2')),
      message: /checkpoint.json: is not a checkpoint manifest: .*version/s,
    },
  ])('$name', async ({ harm, message }) => {
    const { path } = await publish(1);
    await harm(path);
    const verifying = verifyCheckpoint(path);
    await expect(verifying).rejects.toThrow(UserError);
    await expect(verifying).rejects.toThrow(message);
  });

  test('another digest than the pinned one', async () => {
    const { path, digest } = await publish(1);
    await edit(path, (text) => `${text}\n`);
    await expect(verifyCheckpoint(path, digest)).rejects.toThrow(
      new RegExp(`checkpoint.json: has digest [0-9a-f]{64}, but ${digest} is pinned$`),
    );
  });
});

describe('resume', () => {
  test('finds nothing in a new directory', async () => {
    expect(await newestCheckpoint(join(directory(), 'none'), mine)).toEqual({ skipped: [] });
  });

  test('takes the newest by number', async () => {
    for (const step of [999_999, 1_000_000, 5]) await publish(step);
    const { newest, skipped } = await newestCheckpoint(directory(), mine);
    expect(newest).toMatchObject({
      step: 1_000_000,
      path: join(directory(), 'step-1000000'),
      manifest: { step: 1_000_000 },
    });
    expect(skipped).toEqual([]);
  });

  test('walks back over what does not verify or has other settings, and says why', async () => {
    const paths = [];
    for (const step of [1, 2, 3, 4])
      paths.push((await publish(step, step === 3 ? { settingsDigest: other } : {})).path);
    await appendFile(join(paths[3]!, 'config.json'), ' ');
    await rm(join(paths[1]!, 'checkpoint.json'));
    await mkdir(join(directory(), 'step-000009.partial'));

    const { newest, skipped } = await newestCheckpoint(directory(), mine);
    expect(newest?.step).toBe(1);
    expect(skipped).toEqual([
      { path: paths[3], reason: `${join(paths[3]!, 'config.json')}: has 3 bytes; its manifest says 2` },
      { path: paths[2], reason: 'it was made with other settings' },
      { path: paths[1], reason: expect.stringContaining('checkpoint.json: is not a checkpoint manifest: ENOENT') },
    ]);
  });
});

test('kill -9 at any moment leaves only whole checkpoints and partial directories', async () => {
  let last = 0;
  for (let round = 0; round < 6; round++) {
    const child = spawn(process.execPath, [publisher, directory(), 'forever'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await setTimeout(30 + Math.random() * 120);
    child.kill('SIGKILL');
    await once(child, 'close');
    for (const name of await readdir(directory())) {
      if (!name.endsWith('.partial')) await verifyCheckpoint(join(directory(), name));
    }
    const { newest, skipped } = await newestCheckpoint(directory(), mine);
    expect(skipped).toEqual([]);
    expect(newest?.step ?? 0).toBeGreaterThanOrEqual(last);
    last = newest?.step ?? 0;
  }
  expect(last).toBeGreaterThan(0);
});

describe('a full disk', () => {
  test('while the stage writes: nothing half-written stays', async () => {
    await publish(1);
    const publishing = publish(2, { write: () => writeFile('/dev/full', 'x') });
    await expect(publishing).rejects.toThrow(DiskFullError);
    await expect(publishing).rejects.toThrow(
      /step-000002\.\w+\.partial: no space left on the device: \d+ bytes are free$/,
    );
    expect(await readdir(directory())).toEqual(['step-000001']);
  });

  test('a real one of one megabyte (skipped where no file system can be mounted)', async () => {
    const mounted = await onSmallDisk(directory(), 'true').catch(() => undefined);
    if (mounted === undefined) return console.warn('skipped: a tmpfs cannot be mounted here');
    const { failure, left } = JSON.parse(
      await onSmallDisk(directory(), 'exec "$NODE" "$PUBLISHER" "$DISK" 200000 2000000'),
    ) as { failure: { reason: string; message: string }; left: string[] };
    expect(failure.reason).toBe('diskFull');
    expect(failure.message).toMatch(
      /model.safetensors: no space left on the device: 20001\d\d bytes are needed, \d+ are free$/,
    );
    expect(left).toEqual(['step-000001']);
  });
});

function publish(step: number, changes: Partial<CheckpointToPublish> = {}, keepLast?: number, writer?: Writer) {
  const checkpoint: CheckpointToPublish = {
    name: `step-${String(step).padStart(6, '0')}`,
    step,
    final: false,
    settingsDigest: mine,
    engine: { node: '24' },
    async write(partial) {
      await writeFile(join(partial, 'config.json'), '{}');
      await mkdir(join(partial, 'trainer'));
      await writeFile(join(partial, 'trainer/state.json'), '1');
    },
    ...changes,
  };
  return publishCheckpoint(directory(), checkpoint, keepLast, writer);
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  const manifest = join(path, 'checkpoint.json');
  await writeFile(manifest, change(await readFile(manifest, 'utf8')));
}

/** Runs a shell command with a file system of one megabyte over `disk`, in a mount namespace of its own. */
async function onSmallDisk(disk: string, command: string): Promise<string> {
  const script = `mount -t tmpfs -o size=1m none "$DISK" && ${command}`;
  const { stdout } = await promisify(execFile)('unshare', ['--map-root-user', '--mount', 'sh', '-c', script], {
    env: { ...process.env, DISK: disk, NODE: process.execPath, PUBLISHER: publisher },
  });
  return stdout;
}
