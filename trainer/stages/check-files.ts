import { json } from 'node:stream/consumers';
import { type FileCheck, fileCheck, type FileProblem } from '../contract/file-check.ts';
import { lookAtDataset, type RenderRow } from '../data/look-at-dataset.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';
import { openForCheck } from './check-model.ts';

/** Reads a `FileCheck` from stdin and prints a `FileProblem` a line: what would end a stage that has not started yet. */
export async function checkFiles(): Promise<void> {
  const { datasets, models } = fileCheck.parse(await json(process.stdin));
  const tokenizers = new Map<string, Tokenizer>();
  try {
    await openModels(models, tokenizers);
    const render: RenderRow = (model, { messages, tools }) =>
      void tokenizers.get(model)?.renderChat(messages, { tools });
    for (const { uses, ...dataset } of datasets) {
      // oxlint-disable-next-line no-await-in-loop -- one file at a time keeps the memory flat
      for (const problem of await lookAtDataset(dataset, uses, render)) tell(problem);
    }
  } finally {
    await Promise.all([...tokenizers.values()].map((tokenizer) => tokenizer.close()));
  }
}

/** Opens the tokenizers of those that can be used, by directory; tells what is wrong with the others. */
async function openModels(models: FileCheck['models'], tokenizers: Map<string, Tokenizer>): Promise<void> {
  for (const { path, directory, head } of models) {
    // oxlint-disable-next-line no-await-in-loop -- one at a time keeps the memory flat
    const opened = await openForCheck(directory, head);
    if ('problem' in opened) tell({ path, message: opened.problem });
    else if (tokenizers.has(directory)) await opened.close();
    else tokenizers.set(directory, opened);
  }
}

function tell(problem: FileProblem): void {
  console.log(JSON.stringify(problem));
}
