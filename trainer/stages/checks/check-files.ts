import { json } from 'node:stream/consumers';
import { lengthWarning } from '../../contract/settings/context-length.ts';
import { UserError } from '../../contract/process/errors.ts';
import { type FileCheck, fileCheck, type FileProblem, type Rendering } from '../../contract/settings/file-check.ts';
import { firstColumns } from '../../data/columns/first-columns.ts';
import { distinctRenderings, keyOf, lookAtDataset, type RenderRow } from '../../data/look-at-dataset.ts';
import { rubricProblem } from '../../rewards/judge/rubric.ts';
import { lackingColumns } from '../../rewards/modules/needed-columns.ts';
import { RewardModule } from '../../rewards/modules/reward-module.ts';
import { deviceProblem } from './check-device.ts';
import { memoryProblem } from './check-memory.ts';
import { configOf } from './config-of.ts';
import { modelProblem } from './check-model.ts';
import { OpenTokenizers } from './open-tokenizers.ts';

/** Reads a `FileCheck` from stdin and prints a `FileProblem` a line: what would end a stage that has not started yet. */
export async function checkFiles(): Promise<void> {
  const { datasets, models, rewards, rubrics, uses: stages } = fileCheck.parse(await json(process.stdin));
  for (const use of stages) {
    const unusable = use.device && deviceProblem(use.device);
    if (unusable !== undefined) tell({ path: [...use.path, 'device'], message: unusable });
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as they are told
    const message = await memoryProblem(use, stages);
    if (message !== undefined) tell({ path: use.path, message });
    // oxlint-disable-next-line no-await-in-loop -- as above
    const config = use.init === undefined ? await configOf(use) : undefined; // what the manifest says needs no file
    const warning = config && lengthWarning(use.settings, config.maxLength);
    if (warning) tell({ path: [...use.path, ...warning.path], message: warning.message, warning: true });
  }
  for (const { path, ...reward } of rewards) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as they are told
    const message = await rewardProblem(reward);
    if (message !== undefined) tell({ path, message });
  }
  for (const { path, ...rubric } of rubrics) {
    const message = rubricProblem(rubric);
    if (message !== undefined) tell({ path, message });
  }
  const renderings = [...distinctRenderings(datasets.flatMap(({ uses }) => uses)).values()];
  const tokenizers = new OpenTokenizers();
  const usable = await usableModels(models, tokenizers, renderings);
  const usableRenderings = renderings.filter(({ directory }) => usable.has(directory));
  const byRendering = new Map(
    await Promise.all(usableRenderings.map(async (each) => [keyOf(each), await tokenizers.tryToOpen(each)] as const)),
  );
  const render: RenderRow = (rendering, { messages, tools }) => {
    const opened = byRendering.get(keyOf(rendering));
    if (opened instanceof UserError) throw opened;
    opened?.renderChat(messages, { tools });
  };
  try {
    for (const { uses, ...dataset } of datasets) {
      // oxlint-disable-next-line no-await-in-loop -- one file at a time keeps the memory flat
      for (const problem of await lookAtDataset(dataset, uses, render)) tell(problem);
    }
  } finally {
    await tokenizers.closeExcept([]);
  }
}

/** Why a stage could not begin with a reward of one's own. */
async function rewardProblem({
  file,
  python,
  data,
}: Omit<FileCheck['rewards'][number], 'path'>): Promise<string | undefined> {
  try {
    const opened = await (python
      ? RewardModule.openPython(python)
      : RewardModule.open({ file, timeoutSeconds: 60, memoryMiB: 1024 }));
    opened.close();
    if (data === undefined || opened.columns.length === 0) return undefined;
    const columns = await Promise.all(data.map(readableColumns));
    if (columns.includes(undefined)) return undefined; // told where the dataset names the file
    const found = new Set(columns.flatMap((each) => [...(each ?? [])]));
    return lackingColumns(file, opened.columns, found, data.length === 0 ? 'the rows of generators' : data.join(', '));
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

async function readableColumns(file: string): Promise<Set<string> | undefined> {
  try {
    return await firstColumns(file);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Directories of those that can be used; tells what is wrong with the others. */
async function usableModels(
  models: FileCheck['models'],
  tokenizers: OpenTokenizers,
  renderings: readonly Rendering[],
): Promise<Set<string>> {
  const usable = new Set<string>();
  for (const { path, directory, head } of models) {
    // oxlint-disable-next-line no-await-in-loop -- one at a time keeps the memory flat
    const message = await modelProblem(directory, head, tokenizers);
    // oxlint-disable-next-line no-await-in-loop -- as above
    await tokenizers.closeExcept(renderings);
    if (message === undefined) usable.add(directory);
    else tell({ path, message });
  }
  return usable;
}

function tell(problem: FileProblem): void {
  console.log(JSON.stringify(problem));
}
