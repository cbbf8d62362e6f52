import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { cpuName } from '../../bench/machine.ts';
import { MemorySampler, parseStatus } from '../../bench/memory.ts';

test('resident memory and its high-water mark come from the status of a process', () => {
  const status = 'Name:\tnode\nVmPeak:\t  999999 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nThreads:\t11\n';

  expect(parseStatus(status)).toEqual({ current: 1024 * 1024, peak: 2048 * 1024 });
});

test('a kernel thread or zombie, which has no memory, counts nothing', () => {
  expect(parseStatus('Name:\tkthreadd\nThreads:\t1\n')).toEqual({ current: 0, peak: 0 });
});

test('the memory of children counts as well', async () => {
  // 64 MB in a shell's child, until its stdin closes
  const shell = spawn('sh', ['-c', 'node -e "globalThis.held = Buffer.alloc(64e6, 1); process.stdin.resume()" ; true']);
  const sampler = new MemorySampler(shell.pid ?? 0);
  while (sampler.peakBytes < 64e6) await sleep(20); // oxlint-disable-line no-await-in-loop -- until it has them
  shell.stdin.end();
  await once(shell, 'exit');
  sampler.stop();

  expect(sampler.peakBytes).toBeGreaterThan(64e6);
});

test('a CPU is named by its model, family and stepping, as hypervisors often hide the name', () => {
  const cpuinfo =
    'processor\t: 0\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Intel(R) Xeon(R) Processor\nstepping\t: 8\n';

  expect(cpuName(cpuinfo)).toBe('Intel(R) Xeon(R) Processor (family 6, model 143, stepping 8)');
});
