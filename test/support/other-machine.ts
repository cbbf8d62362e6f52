import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const namespace = ['unshare', '--pid', '--fork', '--kill-child'];
/** The first process of a namespace is deaf to signals of the others in it. */
const shell = ['sh', '-c', '"$@"; exit $?', 'sh'];

/**
 * Put before a program, starts it where its processes and those of this machine do not see each other, as on another one.
 * Undefined where that is not allowed.
 */
export const onOtherMachine: readonly string[] | undefined = [namespace, [...namespace, '--map-root-user', '--user']]
  .filter(([program = '', ...args]) => spawnSync(program, [...args, 'true']).status === 0)
  .map((command) => [...command, ...shell])[0];

/** The program that runs on the other machine, by its number on this one. */
export function programOf(machine: number | undefined): number {
  const [first] = childrenOf(machine);
  const [program] = childrenOf(first);
  if (program === undefined) throw new Error(`process ${machine} has started no program`);
  return program;
}

function childrenOf(pid: number | undefined): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}
