import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { exitCodes } from '../../../trainer/contract/process/exit-codes.ts';
import { fetchModel } from '../../../trainer/hub/fetch-model.ts';
import { HubServer } from '../../support/hub-server.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { type Exit, startTrainer } from '../../support/trainer.ts';

const directory = useTemporaryDirectory();
const index = { weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } };
const shards = Object.values(index.weight_map);
const complete = ['config.json', ...shards, 'model.safetensors.index.json', 'tokenizer.json', 'tokenizer_config.json'];
const name = 'owner--name@main';

let hub: HubServer;
beforeEach(async () => {
  hub = await HubServer.start();
  hub.add('.gitattributes', '*.safetensors filter=lfs');
  hub.add('README.md', '# name');
  hub.add('config.json', '{"model_type": "qwen3"}');
  hub.add('tokenizer.json', Buffer.alloc(1_200_000, 'tokens'), true);
  hub.add('tokenizer_config.json', '{}');
  hub.add('modeling_name.py', 'import os');
  hub.add('pytorch_model.bin', Buffer.alloc(1000), true);
  hub.add('name-q4.gguf', Buffer.alloc(1000), true);
  hub.add('consolidated.safetensors', Buffer.alloc(1000), true);
  hub.add('model.safetensors.index.json', JSON.stringify(index));
  for (const [at, shard] of shards.entries()) hub.add(shard, Buffer.alloc(3_000_000, `weights ${at}`), true);
});
afterEach(() => hub.stop());

const path = (): string => join(directory(), name);

async function fetch(more: Partial<Parameters<typeof fetchModel>[1] & { repo: string; revision: string }> = {}) {
  const { repo = 'owner/name', revision = 'main', ...options } = more;
  return fetchModel(
    { repo, revision },
    {
      to: directory(),
      endpoint: hub.endpoint,
      signal: new AbortController().signal,
      retry: { retries: 3, minTimeout: 1, maxTimeout: 5 },
      say: () => undefined,
      ...options,
    },
  );
}

async function expectComplete(): Promise<void> {
  expect(await readdir(directory())).toEqual([name]);
  expect((await readdir(path())).toSorted()).toEqual(complete.toSorted());
  for (const file of complete) {
    expect(Buffer.compare(await readFile(join(path(), file)), hub.files.get(file)!.content)).toBe(0);
  }
}

test('fetches config, tokenizer and the weights that the index names, and nothing else', async () => {
  expect(await fetch()).toBe(path());
  await expectComplete();
  expect(hub.log.filter((line) => /gguf|bin|consolidated|\.py|README/.test(line))).toEqual([]);
});

test('what is there is complete: nothing is asked', async () => {
  await fetch();
  hub.log.length = 0;
  expect(await fetch()).toBe(path());
  expect(hub.log).toEqual([]);
});

test('of a model in one file the other weights are left alone, and a revision may have slashes', async () => {
  hub.add('model.safetensors', Buffer.alloc(100), true);
  const fetched = await fetch({ revision: 'refs/pr/1' });
  expect(fetched).toBe(join(directory(), 'owner--name@refs--pr--1'));
  expect((await readdir(fetched)).filter((file) => file.includes('model'))).toEqual(['model.safetensors']);
});

test('the token is shown to the Hub and to nobody else', async () => {
  hub.token = 'not one of huggingface.co';
  await fetch({ token: hub.token });
  await expectComplete();
  expect(hub.tokensSeenElsewhere).toEqual([]);
});

test('a connection that breaks again and again is gone on with where it broke', async () => {
  let cuts = 0;
  hub.fault = (asked) => (asked.startsWith('storage/model-') && cuts++ < 12 ? 'cut' : undefined);
  await fetch();
  await expectComplete();
  expect(cuts).toBeGreaterThan(12);
});

test('a busy Hub is asked again, and one that stays so is a failure of the surroundings', async () => {
  const statuses = [500, 503, 429];
  hub.fault = () => statuses.pop();
  await fetch();
  await expectComplete();

  await rm(path(), { recursive: true });
  hub.fault = (asked) => (asked.endsWith(shards[1]!) ? 503 : undefined);
  const failing = fetch();
  await expect(failing).rejects.toMatchObject({ reason: 'unavailable' });
  await expect(failing).rejects.toThrow(/^model owner\/name at revision main: as the test wants it/);
  expect(await readdir(directory())).toEqual([`${name}.partial`]);

  hub.fault = () => undefined;
  hub.log.length = 0;
  await fetch();
  await expectComplete();
  expect(hub.log.filter((line) => line.includes(shards[0]!))).toEqual([]); // what was complete was kept
});

test('a file that is not what the Hub lists is fetched anew, and refused in the end', async () => {
  const { content } = hub.files.get(shards[0]!)!;
  const swapped = Buffer.from(content).fill(0, 10, 20);
  const original = hub.files.get.bind(hub.files);
  const wrong = { content: swapped, large: true };
  let asked = 0;
  hub.files.get = (file) => (file === shards[0] && asked++ < 4 ? wrong : (original(file) ?? undefined));
  await fetch();
  hub.files.get = original;
  await expectComplete();

  await rm(path(), { recursive: true });
  hub.files.get = (file) => (file === shards[0] ? wrong : original(file));
  await expect(fetch()).rejects.toThrow(/model-00001-of-00002.safetensors: found digest [0-9a-f]{64}, expected/);
});

test('two that fetch the same model at once both end with it', async () => {
  expect(await Promise.all([fetch(), fetch(), fetch()])).toEqual([path(), path(), path()]);
  await expectComplete();
});

test('what one that was killed has left is taken up once it is old, and left alone before', async () => {
  const left = `${path()}.0badcafe.partial`;
  await mkdir(left);
  await writeFile(join(left, shards[0]!), hub.files.get(shards[0]!)!.content.subarray(0, 2_000_000));
  await writeFile(join(left, 'of-another-commit.json'), '{}');
  await fetch();
  expect(await readdir(directory())).toEqual([name, `${name}.0badcafe.partial`]);

  await rm(path(), { recursive: true });
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  for (const each of [join(left, shards[0]!), join(left, 'of-another-commit.json'), left])
    await utimes(each, longAgo, longAgo);
  await fetch();
  await expectComplete();
});

test('a directory that appears meanwhile counts', async () => {
  await fetch();
  await rename(path(), `${path()}.aside`);
  hub.fault = (asked) => {
    if (asked.endsWith(shards[1]!)) void rename(`${path()}.aside`, path()).catch(() => undefined);
    return undefined;
  };
  expect(await fetch()).toBe(path());
  await expectComplete();
});

test.each([
  { name: 'no such model', repo: 'owner/none', says: /answered 404; no token was given: Repository not found/ },
  {
    name: 'no such revision',
    revision: 'v2',
    says: /revision v2: .* answered 404; no token was given: Invalid rev id/,
  },
  { name: 'a name that leaves the directory', repo: '../name', says: /--repo: found "..\/name", expected owner\/name/ },
  { name: 'a revision that leaves it', revision: '../../x', says: /--revision: found "..\/..\/x", expected a branch/ },
])('$name is a user error', async ({ says, repo = 'owner/name', revision = 'main' }) => {
  const fetching = fetch({ repo, revision });
  await expect(fetching).rejects.toMatchObject({ reason: 'userError' });
  await expect(fetching).rejects.toThrow(says);
});

test.each([
  { token: undefined, given: 'no token was given' },
  { token: 'hf_anotherSecret', given: 'a token was given' },
])('a model that needs another token is a user error that says whether $given', async ({ token, given }) => {
  hub.token = 'hf_secret';
  const fetching = fetch({ token });
  await expect(fetching).rejects.toMatchObject({ reason: 'userError' });
  await expect(fetching).rejects.toThrow(
    `model owner/name at revision main: ${hub.endpoint.origin} answered 401; ${given}: Invalid username or password`,
  );
  await expect(fetching).rejects.not.toThrow(/hf_/);
});

test('a repository without safetensors says what it has instead', async () => {
  for (const file of [...shards, 'model.safetensors.index.json', 'consolidated.safetensors']) hub.files.delete(file);
  await expect(fetch()).rejects.toThrow(
    'model owner/name at revision main: has neither model.safetensors nor model.safetensors.index.json; its weights are pytorch_model.bin, name-q4.gguf',
  );
});

test('an index that names a file elsewhere is refused', async () => {
  hub.add('model.safetensors.index.json', '{"weight_map": {"a": "../../etc/passwd"}}');
  await expect(fetch()).rejects.toThrow('found "../../etc/passwd", expected a *.safetensors file beside it');
});

test('the command takes the Hub and the token from the environment', async () => {
  hub.token = 'hf_secret';
  const env = { HF_ENDPOINT: hub.endpoint.href, HF_TOKEN: 'hf_secret' };
  expect(await command(env)).toMatchObject({ code: 0, stderr: '' });
  await expectComplete();
  await rm(path(), { recursive: true });
  const refused = await command({ ...env, HF_TOKEN: 'hf_other' });
  expect(refused.code).toBe(exitCodes.userError);
  expect(refused.stderr).toMatch(/^userError: model owner\/name at revision main: .* a token was given: /);
  expect(refused.stderr + refused.stdout).not.toContain('hf_');
  expect(await command({ HF_ENDPOINT: 'example' })).toMatchObject({ code: exitCodes.userError });
});

function command(env: Record<string, string>): Promise<Exit> {
  return startTrainer(['fetch', '--repo', 'owner/name', '--to', directory()], { env }).ended;
}
