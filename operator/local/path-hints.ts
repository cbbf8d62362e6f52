import { stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';

const nameOnHub = /^[\w-][\w.-]*\/[\w-][\w.-]*$/;

/** What may be meant by a model directory that is not there: other tools take `owner/name` where they take a directory. */
export async function modelHint(directory: string, folder: string): Promise<string> {
  const named = relative(folder, directory);
  if (!(await isNameOnHub(named, folder))) return '';
  return `; a model of the Hub is named by hf: {repo: ${named}}`;
}

/** What may be meant by a data file that is not there: other tools download, and take several files for a dataset. */
export async function dataHint(file: string, folder: string): Promise<string> {
  const named = relative(folder, file);
  const [, scheme] = /^([a-z][a-z\d+.-]*):\//i.exec(named) ?? [];
  if (scheme === 'file') return '; a path has no file:// before it';
  if (scheme !== undefined) return '; nothing is downloaded: fetch it first, and name the path that it then has';
  if (named.startsWith('~')) return '; ~ in a path is no home directory';
  if (named.startsWith('$')) return '; variables in a path are not filled in';
  if (/[*?[{]/.test(named)) return '; one file is one dataset: name several datasets, or join the files';
  if (!/\.(?:jsonl|json|parquet|csv)$/.test(named) && (await isNameOnHub(named, folder)))
    return `; nothing is downloaded: hf download ${named} --repo-type dataset, and name one of its files`;
  return '';
}

/** What may be meant by a directory in place of a data file. */
export async function dataDirectoryHint(directory: string): Promise<string> {
  for (const [file, split] of [
    ['dataset_dict.json', '["train"]'],
    ['dataset_info.json', ''],
  ] as const) {
    const load = `datasets.load_from_disk("${directory}")${split}`;
    if ((await stat(join(directory, file)).catch(() => undefined))?.isFile())
      return `; this one is of Dataset.save_to_disk (Python: ${load}.to_parquet("FILE.parquet"))`;
  }
  return '; name one of its files';
}

async function isNameOnHub(named: string, folder: string): Promise<boolean> {
  const isHere = (await stat(resolve(folder, dirname(named))).catch(() => undefined))?.isDirectory() ?? false;
  return nameOnHub.test(named) && !isHere;
}
