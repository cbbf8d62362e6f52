import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly stdin?: string;
  /** Beside this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A command with leading arguments that runs the command after it. */
  readonly through?: readonly string[];
  /** Called with everything that stdout has said so far. */
  readonly onStdout?: (text: string, child: ChildProcess) => void;
}

/** Runs the real `r1` in a process of its own. */
export async function r1(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { cwd, stdin, environment, through = [], onStdout } = options;
  const env = { ...process.env, ...environment, NODE_OPTIONS: '', NO_COLOR: '1' };
  const [program = '', ...rest] = [...through, process.execPath, main, ...args];
  const child = spawn(program, rest, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    onStdout?.(stdout, child);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined).end(stdin ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
