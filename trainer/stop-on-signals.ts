/** From now on SIGTERM and SIGINT do not end the process, but ask for a stop at the next safe point. */
export function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
  return stop.signal;
}
