import { cliExitCodes } from './exit-codes.ts';

/** From the second signal to the end of a process that hears no signal. */
const lastMs = 5000;

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs something that can be asked to stop: the first Ctrl-C (or SIGTERM, or a closed terminal) asks it to save and
 * end, the second one to end at once. Where that is not heard, as a file system does not answer, the process ends soon after.
 *
 * @param say tells the person what their signal did
 */
export async function interruptible<T>(
  say: (text: string) => void,
  start: (signals: { signal: AbortSignal; killSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const [stop, kill] = [new AbortController(), new AbortController()];
  const onSignal = (): void => {
    if (stop.signal.aborted) {
      say('ending at once; work since the last checkpoint will be done again');
      kill.abort();
      setTimeout(() => process.exit(cliExitCodes.interrupted), lastMs).unref();
      return;
    }
    say('asked to stop; a second Ctrl-C ends at once');
    stop.abort();
  };
  for (const name of signals) process.on(name, onSignal);
  try {
    return await start({ signal: stop.signal, killSignal: kill.signal });
  } finally {
    for (const name of signals) process.off(name, onSignal);
  }
}
