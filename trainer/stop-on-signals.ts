const stop = new AbortController();
const listener = (): void => stop.abort();

/** From now on SIGTERM and SIGINT do not end the process, but ask for a stop at the next safe point. */
export function stopOnSignals(): AbortSignal {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // Taken off and put on again, it would not hear of a signal that has come while this thread was busy with loading.
    if (!process.listeners(signal).includes(listener)) process.on(signal, listener);
  }
  return stop.signal;
}
