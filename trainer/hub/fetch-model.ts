import { access, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ListFileEntry } from '@huggingface/hub';
import { settingsFiles, weightFiles } from '../checkpoint/model-files.ts';
import { UserError } from '../contract/process/errors.ts';
import { namingFullDisk } from '../contract/process/full-disk.ts';
import { Hub, type HubOptions, type ModelOnHub } from './hub.ts';
import { leavePartial, openPartial, renamed } from './partial-directory.ts';

export interface FetchOptions extends HubOptions {
  /** Directory that gets `<owner>--<name>@<revision>/`. */
  readonly to: string;
  readonly say: (message: string) => void;
}

/**
 * Downloads what a model is read from: config, tokenizer with its chat template, and weights in safetensors. Its
 * directory appears when it is complete, synced and verified; where it is there already, nothing is asked.
 *
 * @returns the directory
 */
export async function fetchModel(model: ModelOnHub, options: FetchOptions): Promise<string> {
  requireNames(model);
  const { repo, revision } = model;
  const path = join(options.to, `${repo.replaceAll('/', '--')}@${revision.replaceAll('/', '--')}`);
  if (await exists(path)) {
    options.say(`${path} is there already`);
    return path;
  }
  return namingFullDisk(path, undefined, async () => {
    const partial = await openPartial(path);
    try {
      await fill(partial, model, options);
    } catch (error) {
      await leavePartial(partial, path);
      throw error;
    }
    // Another one may have been faster; it has the same files.
    if (!(await renamed(partial, path))) await rm(partial, { recursive: true, force: true });
    await sync(dirname(path));
    options.say(`${path} is complete`);
    return path;
  });
}

async function fill(directory: string, model: ModelOnHub, options: FetchOptions): Promise<void> {
  const hub = new Hub(model, options);
  await hub.reach();
  const commit = await hub.commit();
  const files = await hub.files(commit);
  const settings = settingsFiles(files);
  if (!settings.some(({ path }) => path === 'config.json'))
    throw new UserError(`model ${model.repo} at revision ${model.revision}: has no config.json`);

  const download = async (file: ListFileEntry): Promise<void> => {
    options.say(`${file.path}: ${file.size} bytes`);
    await hub.download(commit, file, join(directory, file.path));
  };
  for (const file of settings) await download(file);
  const weights = await weightFiles(files, async (index) => {
    await download(index);
    return readFile(join(directory, index.path), 'utf8');
  }).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`model ${model.repo} at revision ${model.revision}: ${error.message}`, { cause: error });
  });
  for (const file of weights) await download(file);

  const wanted = new Set([...settings, ...weights].map(({ path }) => path));
  for (const name of await readdir(directory)) {
    if (!wanted.has(name)) await rm(join(directory, name), { recursive: true }); // of a revision that has moved since
  }
  await sync(directory);
}

function requireNames({ repo, revision }: ModelOnHub): void {
  const part = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
  const parts = repo.split('/');
  if (parts.length > 2 || !parts.every((name) => part.test(name)))
    throw new UserError(`--repo: found ${JSON.stringify(repo)}, expected owner/name`);
  if (!revision.split('/').every((name) => part.test(name)))
    throw new UserError(`--revision: found ${JSON.stringify(revision)}, expected a branch, a tag or a commit`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function sync(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
