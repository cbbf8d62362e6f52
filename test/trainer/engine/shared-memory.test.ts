import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { sharedFloats } from '../../../trainer/engine/threads/shared-memory.ts';
import { chooseRuntime } from '../../../trainer/runtime/open-runtime.ts';

const systemHasLargePages = existsSync('/sys/kernel/mm/transparent_hugepage/enabled');
const itWithKernels = systemHasLargePages && chooseRuntime().name === 'ops' ? it : it.skip;

describe('shared memory', () => {
  it('begins with zeros, as far in as was asked for', () => {
    const floats = sharedFloats(1000, 2);
    expect(Math.floor(floats.byteOffset / 64)).toBe((2 * 17 * 4096) / 64);
    expect(floats).toHaveLength(1000);
    expect(floats.every((value) => value === 0)).toBe(true);
  });

  itWithKernels('asks the system for large pages', () => {
    // In a process of its own: of this one, the memory of an earlier file may be let go meanwhile.
    const args = ['test/trainer/engine/ask-for-large-pages.ts'];
    const { stdout } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect(Number(stdout)).toBeGreaterThan(63 * 1024);
  });
});
