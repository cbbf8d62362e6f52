import type { Clock } from '../clock.ts';

export interface ResyncOptions {
  readonly keys: () => Iterable<string>;
  readonly enqueueAfter: (key: string, ms: number) => void;
  readonly clock: Clock;
  readonly periodMs?: number;
  /** From 0 up to 1. */
  readonly random?: () => number;
}

/**
 * Has every object looked at again from time to time, whatever has been heard of it: the net under every cleverness about
 * which event can be left out. The passes of one period are spread over it, so that ten thousand objects make no wave.
 */
export class Resync {
  private readonly options: ResyncOptions;
  private callOff: () => void = () => undefined;

  constructor(options: ResyncOptions) {
    this.options = options;
  }

  start(): void {
    const { keys, enqueueAfter, clock, periodMs = 600_000, random = () => Math.random() } = this.options;
    this.callOff = clock.after(periodMs, () => {
      for (const key of keys()) enqueueAfter(key, random() * periodMs);
      this.start();
    });
  }

  stop(): void {
    this.callOff();
  }
}
