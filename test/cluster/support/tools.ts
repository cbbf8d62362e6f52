import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { testRunDirectory } from './test-run.ts';

export const scripts = join(import.meta.dirname, '../scripts');
const cache = process.env.R1_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'r1-cluster');
const directories = [process.env.KUBEBUILDER_ASSETS, join(cache, 'bin')].filter((path) => path !== undefined);

/** What the control plane with fake nodes consists of. */
export const controlPlanePrograms = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kwok',
] as const;

/** Path of a program of the cluster; undefined when it is neither in KUBEBUILDER_ASSETS nor built. */
export function clusterProgram(name: string): string | undefined {
  return directories.map((directory) => join(directory, name)).find(executable);
}

/** Why tests that need these programs cannot run here and how to get them; undefined when they can. */
export function missingPrograms(names: readonly string[]): string | undefined {
  const missing = names.filter((name) => clusterProgram(name) === undefined);
  if (missing.length === 0) return undefined;
  if (process.env.R1_BUILD_CLUSTER !== '1') {
    return (
      `${missing.join(', ')} not found in ${directories.join(' or ')}; to build what is missing (10 to 20 minutes, ` +
      'once; needs Go 1.26 and jq): test/cluster/scripts/build-tools.sh'
    );
  }
  return goIsThere() ? undefined : `${missing.join(', ')} not found, and no Go ≥ 1.26 with jq to build them`;
}

/** Says at the end of the test run, in one line, what was skipped and why. */
export function announceSkipped(what: string, why: string): void {
  const directory = join(testRunDirectory(), 'skipped');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, encodeURIComponent(what)), why);
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function goIsThere(): boolean {
  try {
    execFileSync('jq', ['--version']);
    const [, minor = '0'] = /go1\.(\d+)/.exec(execFileSync('go', ['version'], { encoding: 'utf8' })) ?? [];
    return Number(minor) >= 26;
  } catch {
    return false;
  }
}
