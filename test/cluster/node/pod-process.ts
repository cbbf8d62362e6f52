import { readdirSync, readFileSync } from 'node:fs';

/**
 * Number, on this machine, of the process that runs a command in a pod. The node lives in namespaces of this machine, so
 * its processes are here under other numbers. Undefined while there is none.
 *
 * @param program a part of the command line
 */
export function podProcess(podUid: string, program: string): number | undefined {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => read(pid, 'cgroup').includes(`pod${podUid}`) && read(pid, 'cmdline').includes(program));
}

/** Directory of the memory cgroup that a process is in. */
export function memoryCgroup(pid: number): string {
  const path = /:memory:(.*)/.exec(read(pid, 'cgroup'))?.[1];
  if (path === undefined) throw new Error(`process ${pid} is in no memory cgroup`);
  return `/sys/fs/cgroup/memory${path}`;
}

/** Empty when the process has ended. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
