import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';

/** The smallest model and as few steps as show a whole run. */
const manifest = (steps: number): string => `apiVersion: r1.dev/v1alpha1
kind: R1Pipeline
metadata: {name: tiny}
spec:
  base: {init: {hiddenSize: 16, layers: 1, heads: 2, kvHeads: 1, maxLength: 64}}
  datasets:
    - {name: sums, generator: {task: addition, digits: 2, rows: 16, heldOut: 8, languages: [en]}}
    - {name: mixture, generator: {task: mixture, rows: 64}}
  stages:
    - name: pretrained
      pretrain: {data: [mixture], steps: ${steps}, batch: 2}
      evaluation: {data: [sums], limit: 2, sampling: {maxNewTokens: 4}}
`;

const directory = useSharedDirectory();
beforeAll(async () => {
  await writeFile(join(directory(), 'short.yaml'), manifest(2));
  await writeFile(join(directory(), 'long.yaml'), manifest(100_000).replace('name: tiny', 'name: long'));
});

test('runs a pipeline with plain lines, a table, a report, and does finished work once', async () => {
  const first = await r1(['run', 'short.yaml', '--workers', '1'], { cwd: directory() });
  expect([first.code, first.stderr]).toEqual([0, '']);
  const [started, ended] = first.stdout.split('\n');
  expect(started).toBe('pretrained: started (pretrain)');
  expect(ended).toMatch(/^pretrained: succeeded after \d+s {2}loss \d\.\d{3} {2}pass@1 /);
  expect(first.stdout).toMatch(/^pretrained +pretrain +Succeeded +\d\.\d{3} ± \d\.\d{3} .* [0-9a-f]{12}$/m);
  expect(first.stdout).toMatch(/^tiny: succeeded after \d+s, peak memory \d\.\d\d GiB$/m);
  expect(first.stdout).toMatch(/^Ask pretrained: r1 generate tiny\/pretrained --prompt '[^']+'$/m);
  expect(first.stdout).toMatch(/^Serve pretrained: r1 serve tiny\/pretrained$/m);
  expect(first.stdout).toMatch(/^Report: \.r1\/tiny\/report\.html$/m);
  await access(join(directory(), '.r1/tiny/report.html'));

  const second = await r1(['run', 'short.yaml'], { cwd: directory() });
  expect(second.code).toBe(0);
  expect(second.stdout).not.toContain('started');

  // What a run came to does not depend on its report.
  await rm(join(directory(), '.r1/tiny/report.html'));
  await mkdir(join(directory(), '.r1/tiny/report.html'));
  const third = await r1(['run', 'short.yaml'], { cwd: directory() });
  expect(third.code).toBe(0);
  expect(third.stderr).toMatch(/^r1: no report \(r1 report tiny writes one\): EISDIR: .*\n$/);

  const generated = await r1(['generate', 'tiny/pretrained', '-p', 'Hi', '--max-new-tokens', '2'], {
    cwd: directory(),
  });
  expect(generated.code).toBe(0);
});

test('refuses a device that is not here before anything starts, which a manifest for a cluster may well name', async () => {
  const onGpus = manifest(2).replace('      pretrain:', '      device: cuda\n      pretrain:');
  await writeFile(join(directory(), 'gpu.yaml'), onGpus.replace('name: tiny', 'name: gpu'));
  const cwd = directory();
  const through = ['env', 'R1_CUDA_LIBRARIES=/none']; // so that it is refused where there are GPUs, too
  const refused = await r1(['run', 'gpu.yaml', '--state', 'gpus'], { cwd, through });
  expect(refused.code).toBe(64);
  expect(refused.stderr).toMatch(
    /gpu\.yaml:\d+:\d+: spec\.stages\[0\]\.device: device: cuda: found no .*; device: cpu computes/,
  );
  await expect(access(join(cwd, 'gpus'))).rejects.toThrow('ENOENT');
  expect((await r1(['run', 'short.yaml', '--device', 'cuda', '--state', 'gpus'], { cwd, through })).code).toBe(64);

  expect((await r1(['validate', 'gpu.yaml'], { cwd, through })).code).toBe(0);
  expect((await r1(['run', 'gpu.yaml', '--device', 'cpu', '--workers', '1'], { cwd, through })).code).toBe(0);
});

test('saves on Ctrl-C, says how it ended, and goes on when it is run again', async () => {
  const interrupt = { cwd: directory(), interruptedAt: /started/ };
  const first = await interrupted(interrupt);
  expect(first.code).toBe(130);
  expect(first.stdout).toContain('asked to stop; a second Ctrl-C ends at once');
  expect(first.stderr).toMatch(/^long: interrupted after /m);

  const second = await interrupted(interrupt);
  expect(second.code).toBe(130);
  expect(second.stdout).toMatch(/^pretrained: attempt 2 started$/m);
});

/** Runs the long pipeline and interrupts it once its stage is well under way. */
function interrupted({ cwd, interruptedAt }: { cwd: string; interruptedAt: RegExp }): ReturnType<typeof r1> {
  let sent = false;
  return r1(['run', 'long.yaml', '--workers', '1'], {
    cwd,
    onStdout(text, child) {
      if (sent || !interruptedAt.test(text)) return;
      sent = true;
      setTimeout(() => child.kill('SIGINT'), 1500);
    },
  });
}
