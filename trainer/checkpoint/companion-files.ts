import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeWithin } from '../contract/files/make-directory.ts';

export const generationConfigName = 'generation_config.json';

/** Goes before the template that other files hold. */
export const chatTemplateName = 'chat_template.jinja';

/** One of the first two makes a tokenizer; the others belong to it where they exist. */
export const tokenizerFileNames = [
  'tokenizer.json',
  'vocab.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  chatTemplateName,
  'chat_template.json',
  'merges.txt',
  'tokenizer.model',
];

/** Named templates beside `chat_template.jinja`, a file each. */
const templatesDirectory = 'additional_chat_templates';

/**
 * Copies the files that a model has beside its weights and `config.json`: those of its tokenizer with every chat
 * template, and `generation_config.json` with its sampling defaults, byte for byte.
 *
 * @returns what there was, by path
 * @throws when there is no tokenizer, for example because the checkpoint that it came from has been pruned
 */
export async function copyTokenizer(from: string, to: string): Promise<string[]> {
  const names = [...tokenizerFileNames, generationConfigName, ...(await additionalTemplates(from))];
  const copied: string[] = [];
  for (const name of names) if (await copyIfPresent(from, to, name)) copied.push(name);
  if (!copied.includes('tokenizer.json') && !copied.includes('vocab.json'))
    throw new Error(`${from}: has no tokenizer to copy to ${to}`);
  return copied;
}

async function additionalTemplates(directory: string): Promise<string[]> {
  const entries = await readdir(join(directory, templatesDirectory), { withFileTypes: true }).catch(ifMissing);
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.jinja'))
    .map(({ name }) => `${templatesDirectory}/${name}`)
    .toSorted();
}

async function copyIfPresent(from: string, to: string, name: string): Promise<boolean> {
  try {
    if (name.includes('/')) await makeWithin(join(to, templatesDirectory));
    await copyFile(join(from, name), join(to, name));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function ifMissing(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
  throw error;
}
