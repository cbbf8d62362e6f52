import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type FileCheck, fileProblem } from '../../trainer/contract/settings/file-check.ts';
import { trainerCommand } from '../../trainer/contract/process/trainer-command.ts';
import type { ValueProblem } from '../api/check/value-problem.ts';

/** What the trainer says of files, in a process of its own: files of strangers may take more memory than this one has. */
export async function lookInside(check: FileCheck): Promise<ValueProblem[]> {
  if (Object.values(check).every((named) => named.length === 0)) return [];
  const [program, ...leading] = trainerCommand();
  const child = spawn(program, [...leading, 'check'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close') as Promise<[code: number | null, signal: NodeJS.Signals | null]>;
  child.stdin.on('error', () => undefined); // it may end before it has read everything, and then says why
  child.stdin.end(JSON.stringify(check));
  const [[code, signal], told, complaint] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  const problems = told
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => fileProblem.parse(JSON.parse(line)))
    .map(({ path, message, warning }): ValueProblem => ({
      path,
      found: message,
      expected: 'files that can be used',
      message,
      ...(warning && { warning }),
    }));
  if (code === 0) return problems;
  const [why = ''] = complaint.trim().split('\n');
  const message = `the files that it names could not be looked at: the trainer ended with ${signal ?? `code ${code}`}: ${why}`;
  return [...problems, { path: ['spec'], found: why, expected: 'files that can be used', message }];
}
