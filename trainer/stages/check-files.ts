import { json } from 'node:stream/consumers';
import { fileCheck, type FileProblem } from '../contract/file-check.ts';
import { lookAtDataset } from '../data/look-at-dataset.ts';
import { modelProblem } from './check-model.ts';

/** Reads a `FileCheck` from stdin and prints a `FileProblem` a line: what would end a stage that has not started yet. */
export async function checkFiles(): Promise<void> {
  const { datasets, models } = fileCheck.parse(await json(process.stdin));
  for (const { uses, ...dataset } of datasets) {
    // oxlint-disable-next-line no-await-in-loop -- one file at a time keeps the memory flat
    for (const problem of await lookAtDataset(dataset, uses)) tell(problem);
  }
  for (const { path, directory, head } of models) {
    // oxlint-disable-next-line no-await-in-loop -- the same
    const message = await modelProblem(directory, head);
    if (message !== undefined) tell({ path, message });
  }
}

function tell(problem: FileProblem): void {
  console.log(JSON.stringify(problem));
}
