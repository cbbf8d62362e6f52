import { mkdtemp, rm } from 'node:fs/promises';
import { openSync, writeSync, ftruncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { targets } from './targets.ts';
import { FuzzFault, tryInputs } from './try-inputs.ts';

/** Runs one target and prints the figures as JSON: `child.ts TARGET CASES SEED FILE`, FILE gets each input before it is read. */
const [name, cases, seed, inputFile = ''] = process.argv.slice(2);
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
  const tried = await tryInputs(target, reader, {
    cases: Number(cases),
    seed: Number(seed),
    onInput: note,
  });
  console.log(JSON.stringify({ ...tried, peakMiB: Math.round(process.resourceUsage().maxRSS / 1024) }));
} catch (error) {
  if (error instanceof FuzzFault) note(error.input);
  throw error;
} finally {
  await reader.close?.();
  await rm(directory, { recursive: true, force: true });
}
