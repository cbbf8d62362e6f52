import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../modules/sandbox.ts', import.meta.url));

/** How a sandbox is started, and how it is spoken with. */
export interface SandboxProgram {
  readonly command: readonly [command: string, ...args: string[]];
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly channel: 'ipc' | 'lines';
  readonly memoryMiB: number;
}

interface NodeOptions {
  readonly readable?: readonly string[];
  readonly memoryMiB: number;
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
}

/** Linux ends the process when the trainer is killed, in whatever loop it is, and gives it no new rights. */
const bound = ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs'];
/** A network of its own, in which there is nothing. */
const apart = ['unshare', '--user', '--net'];

/** Half a GiB that V8 reserves for code, its stacks and young generation, and some for arrays. */
const besideHeapMiB = 768;

const bounds = new Map<number, readonly string[]>();
const wrappers = new Map<string, readonly string[]>();

/**
 * The sandbox of a module.
 *
 * @param memoryMiB largest heap
 */
export function nodeSandbox(memoryMiB: number): SandboxProgram {
  const { command, ...rest } = confinedNode(program, { memoryMiB });
  return { ...rest, command: [...boundOfData(memoryMiB), ...command] as unknown as SandboxProgram['command'] };
}

/**
 * Arrays of bytes lie outside of V8's heap, whose bound they do not know. On Linux the process has a bound of all that it can write,
 * if Node starts under it.
 */
function boundOfData(memoryMiB: number): readonly string[] {
  const known = bounds.get(memoryMiB);
  if (known !== undefined) return known;
  const args = [`--data=${(memoryMiB + besideHeapMiB) * 2 ** 20}`];
  const startsUnder = spawnSync('prlimit', [...args, process.execPath, '-e', '0'], { stdio: 'ignore', env: {} });
  const found = startsUnder.status === 0 ? ['prlimit', ...args] : [];
  bounds.set(memoryMiB, found);
  return found;
}

/**
 * A process of Node that may read its own program, and no other file than it is told, write none, and start no process, thread or addon.
 *
 * @param file its program
 * @param options `readable` files, largest heap, and what else the command line has for Node and for the program
 */
export function confinedNode(
  file: string,
  { readable = [], memoryMiB, flags = [], args = [] }: NodeOptions,
): SandboxProgram {
  const command = confined(file, [
    process.execPath,
    '--permission',
    ...[file, ...readable].map((each) => `--allow-fs-read=${each}`),
    `--max-old-space-size=${memoryMiB}`,
    ...flags,
    '--disable-warning=ExperimentalWarning',
    file,
    ...args,
  ]);
  return { command, environment: {}, channel: 'ipc', memoryMiB };
}

/**
 * The command in what this machine can do to confine it: on Linux it has no network where the kernel lets a user make one.
 *
 * @param file that the command must be able to read there
 */
export function confined(file: string, command: readonly [string, ...string[]]): SandboxProgram['command'] {
  const [executable] = command;
  const wrapper =
    wrappers.get(executable) ?? [[...apart, ...bound], bound, []].find((each) => works(each, file, executable)) ?? [];
  wrappers.set(executable, wrapper);
  return [...wrapper, ...command] as unknown as SandboxProgram['command'];
}

/** Whether the kernel allows it, and what is to be run can be read there. */
function works(wrapper: readonly string[], file: string, executable: string): boolean {
  if (wrapper.length === 0) return true;
  const [first, ...args] = [...wrapper, 'test', '-r', file, '-a', '-x', executable];
  return spawnSync(first, args, { stdio: 'ignore' }).status === 0;
}
