const stop = new AbortController();
const listener = (): void => stop.abort();

/** From now on SIGTERM and SIGINT do not end the process, but ask for a stop at the next safe point. */
export function stopOnSignals(): AbortSignal {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, listener).on(signal, listener);
  return stop.signal;
}
