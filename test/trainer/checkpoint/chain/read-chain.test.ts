import { spawnSync } from 'node:child_process';
import { appendFile, cp, mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { faultsOfChain } from '../../../../trainer/checkpoint/chain/chain.ts';
import { readChain } from '../../../../trainer/checkpoint/chain/read-chain.ts';
import { publishLink, sha256 } from '../../../support/chain.ts';
import { useSharedDirectory } from '../../../support/shared-directory.ts';

const directory = useSharedDirectory();
beforeAll(async () => {
  const whole = join(directory(), 'whole');
  const base = await publishLink(whole, { stage: 'base' });
  await publishLink(whole, { stage: 'sft', from: { stage: 'base', digest: base.digest } });
});

test('a whole chain has no fault, wherever it was copied to', async () => {
  const { links, claims, faults } = await readChain(join(directory(), 'whole'));
  expect(links.map(({ provenance }) => provenance?.stage)).toEqual(['base', 'sft']);
  expect(claims).toHaveLength(2);
  expect(faults).toEqual([]);
});

/** What somebody did to the checkpoint of `base` or beside it, and the lines that say so. */
const changes: readonly {
  name: string;
  change: (checkpoint: string) => Promise<unknown>;
  faults: readonly (string | RegExp)[];
}[] = [
  {
    name: 'weights of the same size',
    change: (to) => writeFile(join(to, 'model.safetensors'), 'BASE'),
    faults: [/model\.safetensors: has SHA-256 [0-9a-f]{64}; its manifest says [0-9a-f]{64}$/],
  },
  {
    name: 'a longer and a missing file are both told',
    change: async (to) => {
      await appendFile(join(to, 'model.safetensors'), '!');
      await rm(join(to, 'provenance.json'));
    },
    faults: [
      /model\.safetensors: has 5 bytes; its manifest says 4$/,
      /provenance\.json: is in the checkpoint's manifest, but missing$/,
      /provenance\.json: found no file, expected the settings with SHA-256 [0-9a-f]{64}$/,
    ],
  },
  {
    name: 'a file more',
    change: (to) => writeFile(join(to, 'extra.bin'), ''),
    faults: [/extra\.bin: is not in the checkpoint's manifest$/],
  },
  {
    name: 'a link that leads out of the directory is not followed',
    change: async (to) => {
      await rm(join(to, 'model.safetensors'));
      await symlink('/etc/hostname', join(to, 'model.safetensors'));
    },
    faults: [
      /model\.safetensors: is neither a file nor a directory$/,
      /model\.safetensors: is in the checkpoint's manifest, but missing$/,
    ],
  },
  {
    name: 'a named pipe is not waited for',
    change: async (to) => {
      await rm(join(to, 'provenance.json'));
      spawnSync('mkfifo', [join(to, 'provenance.json')]);
    },
    faults: [/neither a file/, /but missing/, /provenance\.json: found no file/],
  },
  {
    name: 'a manifest that is a link',
    change: async (to) => {
      await rm(join(to, 'checkpoint.json'));
      await symlink('/dev/zero', join(to, 'checkpoint.json'));
    },
    faults: [/checkpoint\.json: is no regular file$/],
  },
  {
    name: 'a manifest that was cut off',
    change: (to) => truncate(join(to, 'checkpoint.json'), 40),
    faults: [/checkpoint\.json: is not a checkpoint manifest: .*JSON/],
  },
  {
    name: 'a manifest with a path that leaves the directory',
    change: (to) => writeFile(join(to, 'checkpoint.json'), manifestWith('../../../../etc/hostname')),
    faults: [/checkpoint\.json: is not a checkpoint manifest: the path "\.\.\/.*" is not inside the checkpoint$/],
  },
  {
    name: 'a manifest without a settings digest',
    change: (to) =>
      writeFile(join(to, 'checkpoint.json'), '{"version":1,"step":1,"final":true,"files":[],"engine":{}}'),
    faults: [/checkpoint\.json: is not a checkpoint manifest: settingsDigest: /],
  },
  {
    name: 'a manifest of a size that none has',
    change: (to) => truncate(join(to, 'checkpoint.json'), 2 ** 31),
    faults: [/checkpoint\.json: is not a checkpoint manifest: it has 2147483648 bytes; at most \d+ are read$/],
  },
  {
    name: 'a broken result',
    change: (to) => writeFile(join(to, '../result.json'), '{"outcome"'),
    faults: [/result\.json: is not JSON: /],
  },
  {
    name: 'a result with something else for a digest',
    change: (to) => writeFile(join(to, '../result.json'), '{"checkpoint":{"path":"x","digest":"y"}}'),
    faults: [/result\.json: found no checkpoint with a digest in it, expected a file that r1 wrote$/],
  },
];

function manifestWith(path: string): string {
  const files = [{ path, bytes: 1, sha256: 'a'.repeat(64) }];
  const settingsDigest = 'b'.repeat(64);
  return JSON.stringify({ version: 1, step: 1, final: true, files, settingsDigest, engine: {} });
}

test.each(changes.map((each, index) => ({ ...each, index })))('$name', async ({ change, faults, index }) => {
  const copy = join(directory(), `changed-${index}`);
  await cp(join(directory(), 'whole'), copy, { recursive: true });
  await change(join(copy, 'base/step-000003'));
  const chain = await readChain(copy);
  expect(chain.faults).toEqual(faults.map((fault): unknown => expect.stringMatching(fault)));
  for (const fault of faultsOfChain(chain)) expect(fault).not.toContain('\n');
});

test('settings that are others by one digit are told, and what goes on from them has lost its parent', async () => {
  const copy = join(directory(), 'forged');
  await cp(join(directory(), 'whole'), copy, { recursive: true });
  await rm(join(copy, 'base'), { recursive: true });
  const forged = await publishLink(copy, { stage: 'base', weights: 'forged' });
  expect(faultsOfChain(await readChain(copy))).toEqual([
    expect.stringMatching(
      /sft\/step-000003\/checkpoint\.json: goes on from stage base with digest [0-9a-f]{64}; found no/,
    ),
  ]);
  await writeFile(join(forged.path, 'provenance.json'), '{"seed":8}');
  expect((await readChain(copy)).faults).toContainEqual(
    expect.stringMatching(
      new RegExp(`provenance\\.json: has SHA-256 ${sha256('{"seed":8}')}; settingsDigest of its manifest`),
    ),
  );
});

test.each([
  { name: 'nothing', says: 'found no such file' },
  { name: 'empty', says: 'found no checkpoint.json below it' },
])('a directory with $name is a user error', async ({ name, says }) => {
  if (name === 'empty') await mkdir(join(directory(), name));
  await expect(readChain(join(directory(), name))).rejects.toThrow(says);
});
