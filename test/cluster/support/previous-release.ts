import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');
/** What an installation consists of. */
const parts = ['charts', 'operator', 'trainer', 'package.json'];

/** An earlier state of the project. */
export interface PreviousRelease {
  readonly chart: string;
  /** Its operator, with the dependencies of today. */
  readonly main: string;
}

/** The newest commit with another chart than the working tree; undefined without history. */
export function previousCommit(): string | undefined {
  try {
    const commits = git('log', '--format=%H', '--', 'charts').split('\n').filter(Boolean);
    return commits.find((commit) => differs(commit) && has(commit, 'operator/main.ts'));
  } catch {
    return undefined; // no repository
  }
}

/** Unpacks a commit into a directory. */
export function unpack(commit: string, directory: string): PreviousRelease {
  mkdirSync(directory, { recursive: true });
  const archive = execFileSync('git', ['archive', commit, ...parts], { cwd: root, maxBuffer: 2 ** 28 });
  execFileSync('tar', ['-x', '-C', directory], { input: archive });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  return { chart: join(directory, 'charts/r1-operator'), main: join(directory, 'operator/main.ts') };
}

function differs(commit: string): boolean {
  return git('diff', '--name-only', commit, '--', 'charts') !== '';
}

function has(commit: string, path: string): boolean {
  return git('ls-tree', '--name-only', commit, path) !== '';
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
