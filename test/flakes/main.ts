/** `npm run test:flakes`: see test/cluster/README.md. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const runs = Number(process.env['R1_FLAKE_RUNS'] ?? 20);
const busyLoops = 4;
/** Those that speak to an API server. */
const tests = ['test/operator/kube', String.raw`test/cluster/operator[\w-]*\.test\.ts$`];

/** Ends with this process, however that is ended. */
const busyLoop = `while (process.ppid === ${process.pid});`;
const loops = Array.from({ length: busyLoops }, () => spawn(process.execPath, ['-e', busyLoop]));
try {
  for (let run = 1; run <= runs; run++) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const { code, said } = await runTests();
    if (code !== 0) process.exitCode = 1;
    console.log(`run ${run} of ${runs}: ${code === 0 ? 'green' : `ended with ${code}\n${said}`}`);
  }
} finally {
  for (const loop of loops) loop.kill('SIGKILL');
}

async function runTests(): Promise<{ readonly code: number | null; readonly said: string }> {
  const jest = spawn('npx', ['jest', '--maxWorkers=1', '--silent', ...tests], {
    env: { ...process.env, NODE_OPTIONS: '--experimental-vm-modules' },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const said = text(jest.stderr);
  const [code] = (await once(jest, 'close')) as [number | null];
  return { code, said: await said };
}
