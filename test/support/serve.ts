import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

export interface ServeProcess {
  /** Ends with `/v1`. */
  readonly url: string;
  readonly child: ChildProcess;
  /** The exit code of `r1`. */
  readonly ended: Promise<number | null>;
  readonly output: () => string;
}

/** Runs the real `r1 serve` in a process of its own, on a port that is free, until it listens. */
export async function startServe(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<ServeProcess> {
  const child = spawn(process.execPath, [main, 'serve', '--port=0', ...args], {
    env: { ...process.env, ...environment, NODE_OPTIONS: '', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const listening = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const url = /^serving .+ at (http\S+)$/m.exec(output)?.[1];
      if (url !== undefined) listening.resolve(url);
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  void ended.then((code) => listening.reject(new Error(`r1 serve ended with ${code}: ${output}`)));
  return { url: await listening.promise, child, ended, output: () => output };
}
