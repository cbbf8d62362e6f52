import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface RunOptions {
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly cwd?: string;
}

/** Runs a program to its end and returns its stdout; throws with both outputs when its exit code is not 0. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { env, stdin = '', cwd } = options;
  const child = spawn(program, args, { cwd, env: { ...process.env, NODE_OPTIONS: '', ...env }, stdio: 'pipe' });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined).end(stdin);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}
