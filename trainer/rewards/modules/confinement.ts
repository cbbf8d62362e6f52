import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./sandbox.ts', import.meta.url));

/** Linux ends the process when the trainer is killed, in whatever loop it is, and gives it no new rights. */
const bound = ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs'];
/** A network of its own, in which there is nothing. */
const apart = ['unshare', '--user', '--net'];

let wrapper: readonly string[] | undefined;

/**
 * The command that runs the sandbox: a process of Node that may read its own program, and no other file, write none, and start no
 * process, thread or addon. On Linux it has no network either where the kernel lets a user make one.
 *
 * @param memoryMiB largest heap
 */
export function sandboxCommand(memoryMiB: number): readonly [command: string, ...args: string[]] {
  wrapper ??= [[...apart, ...bound], bound, []].find(works) ?? [];
  const node = [
    process.execPath,
    '--permission',
    `--allow-fs-read=${program}`,
    `--max-old-space-size=${memoryMiB}`,
    '--disable-warning=ExperimentalWarning',
    program,
  ];
  return [...wrapper, ...node] as [string, ...string[]];
}

/** Whether the kernel allows it, and what is to be run can be read there. */
function works(command: readonly string[]): boolean {
  if (command.length === 0) return true;
  const [first, ...args] = [...command, 'test', '-r', program, '-a', '-x', process.execPath];
  return spawnSync(first, args, { stdio: 'ignore' }).status === 0;
}
