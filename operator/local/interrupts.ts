export interface Interrupts {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP: save and end. */
  readonly signal: AbortSignal;
  /** Aborted by the second one: end at once. */
  readonly killSignal: AbortSignal;
  /** Gives the signals back to Node. */
  dispose(): void;
}

/** Turns the wishes of a person or of the system to stop into abort signals for `runPipeline`. */
export function listenForInterrupts(): Interrupts {
  const stop = new AbortController();
  const kill = new AbortController();
  const onSignal = (): void => (stop.signal.aborted ? kill : stop).abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const each of signals) process.on(each, onSignal);
  return {
    signal: stop.signal,
    killSignal: kill.signal,
    dispose: () => {
      for (const each of signals) process.off(each, onSignal);
    },
  };
}
