import { spawnSync } from 'node:child_process';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';

/** Puts the trainer into a directory of its own, with the sources of the kernels and nothing that is compiled from them. */
export async function copyTrainer(project: string): Promise<void> {
  for (const part of ['trainer', 'native/Makefile', 'native/ops', 'native/kernels', 'native/cuda']) {
    await cp(part, join(project, part), { recursive: true });
  }
  await mkdir(join(project, 'node_modules'), { recursive: true });
  for (const name of ['@bufbuild', 'koffi', 'onnx-proto', 'onnxruntime-node', 'zod']) {
    await symlink(join(process.cwd(), 'node_modules', name), join(project, 'node_modules', name));
  }
}

/** What a process of that project says of itself, in JSON. @param script a module that logs it, and imports from ./trainer */
export function askIn(project: string, script: string): unknown {
  const { R1_RUNTIME: _, NODE_OPTIONS: __, ...env } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: project,
    env,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as unknown;
}
