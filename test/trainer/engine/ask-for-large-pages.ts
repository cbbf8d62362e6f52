import { readFileSync } from 'node:fs';
import { sharedFloats } from '../../../trainer/engine/threads/shared-memory.ts';
import { chooseRuntime } from '../../../trainer/runtime/open-runtime.ts';

/* Prints for how many more KiB large pages are asked of the system once there are 64 MiB of shared memory. */

chooseRuntime();
const before = kibibytesForWhichLargePagesAreAsked();
const floats = sharedFloats(16 * 1024 * 1024);
const after = kibibytesForWhichLargePagesAreAsked();
console.log(floats[0] === 0 ? after - before : 'found numbers in fresh memory');

/** Of the process's mappings, those with the flag `hg`. */
function kibibytesForWhichLargePagesAreAsked(): number {
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const asked = mappings.filter((mapping) => /^VmFlags:.* hg\b/m.test(mapping));
  return asked.reduce((sum, mapping) => sum + Number(/^Size:\s+(\d+) kB$/m.exec(mapping)?.[1]), 0);
}
