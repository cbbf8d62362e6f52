/**
 * Runs something that can be asked to stop: the first Ctrl-C (or SIGTERM) asks it to save and end, the second one to end
 * at once.
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
      say('Ending at once; work since the last checkpoint is lost.');
      kill.abort();
      return;
    }
    say('Saving and stopping; once more ends at once. The same command goes on later.');
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await start({ signal: stop.signal, killSignal: kill.signal });
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
