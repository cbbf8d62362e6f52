import { ftruncateSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { targets } from './targets.ts';
import { FuzzFault, tryInputs } from './try-inputs.ts';

/**
 * Tries batches of inputs on one target: `child.ts TARGET FILE FIRST LAST CASES SEED`. FILE gets each input before it is
 * read; the figures of a batch are printed as a line of JSON.
 */
const [name, inputFile = '', ...numbers] = process.argv.slice(2);
const [first = 0, last = 0, cases = 0, seed = 0] = numbers.map(Number);
const target = targets.find((one) => one.name === name);
if (target === undefined) throw new Error(`no target is named ${name}`);
const file = openSync(inputFile, 'w');
const note = (input: Uint8Array): void => {
  writeSync(file, input, 0, input.length, 0);
  ftruncateSync(file, input.length);
};
const directory = await mkdtemp(join(tmpdir(), 'r1-fuzz-'));
const reader = await target.open(directory);
try {
  for (let batch = first; batch < last; batch++) {
    // oxlint-disable-next-line no-await-in-loop -- inputs are tried one after another
    const tried = await tryInputs(target, reader, { cases, seed: seed + batch, onInput: note });
    console.log(JSON.stringify({ batch, ...tried, peakMiB: Math.round(process.resourceUsage().maxRSS / 1024) }));
  }
} catch (error) {
  if (error instanceof FuzzFault) note(error.input);
  throw error;
} finally {
  await reader.close?.();
  await rm(directory, { recursive: true, force: true });
}
