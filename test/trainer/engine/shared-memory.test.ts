import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { sharedFloats } from '../../../trainer/engine/threads/shared-memory.ts';
import { chooseRuntime } from '../../../trainer/runtime/open-runtime.ts';

const systemHasLargePages = existsSync('/sys/kernel/mm/transparent_hugepage/enabled');
const itWithKernels = systemHasLargePages && chooseRuntime().name === 'ops' ? it : it.skip;

describe('shared memory', () => {
  it('begins with zeros, as far in as was asked for', () => {
    const floats = sharedFloats(1000, 2);
    expect(floats.byteOffset).toBe(2 * 17 * 4096);
    expect(floats).toHaveLength(1000);
    expect(floats.every((value) => value === 0)).toBe(true);
  });

  itWithKernels('asks the system for large pages', () => {
    const before = kibibytesForWhichLargePagesAreAsked();
    const floats = sharedFloats(16 * 1024 * 1024);
    expect(kibibytesForWhichLargePagesAreAsked() - before).toBeGreaterThan(63 * 1024);
    expect(floats[0]).toBe(0);
  });
});

/** Of the process's mappings, those with the flag `hg`. */
function kibibytesForWhichLargePagesAreAsked(): number {
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const asked = mappings.filter((mapping) => /^VmFlags:.* hg\b/m.test(mapping));
  return asked.reduce((sum, mapping) => sum + Number(/^Size:\s+(\d+) kB$/m.exec(mapping)?.[1]), 0);
}
