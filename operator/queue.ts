import { systemClock, type Clock } from './clock.ts';

export interface WorkQueueOptions {
  /**
   * One pass. It sees all there is, so what was planned for later is called off as it begins: a number plans another
   * after so many milliseconds; a throw brings one after the key's back-off.
   */
  readonly process: (key: string) => Promise<number | undefined>;
  readonly concurrency: number;
  readonly onError: (key: string, error: unknown, retryMs: number) => void;
  /** A pass begins, this long after it became due. */
  readonly onStart?: (key: string, waitedMs: number) => void;
  readonly backoffMs?: readonly [first: number, longest: number];
  readonly clock?: Clock;
}

/** So many passes end in one turn of the event loop before timers and answers have theirs. */
const mostInTurn = 16;

/** Node's timers take no longer delays; a planned pass that is further away is planned again then. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Keys (`namespace/name`) that someone should look at again. A key waits at most once however often it is added, has one
 * pass at a time, and when added during its pass gets another. Namespaces take turns, so that ten thousand keys of one do
 * not hold up another.
 */
export class WorkQueue {
  private readonly options: WorkQueueOptions;
  private readonly clock: Clock;
  /** Due keys with the time since when, by namespace; namespaces in the order of their turns. */
  private readonly due = new Map<string, Map<string, number>>();
  private readonly running = new Set<string>();
  /** Added again during its pass, with the time of that. */
  private readonly again = new Map<string, number>();
  private readonly planned = new Map<string, { readonly at: number; readonly cancel: () => void }>();
  private readonly failures = new Map<string, number>();
  private endedInTurn = 0;
  private state: 'waiting' | 'started' | 'stopped' = 'waiting';
  private idle: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
  }

  /** Keys that are due and wait for their pass. */
  get depth(): number {
    return [...this.due.values()].reduce((sum, keys) => sum + keys.size, this.again.size);
  }

  /** Keys can be added before; their passes begin now. */
  start(): void {
    if (this.state !== 'waiting') return;
    this.state = 'started';
    this.runNext();
  }

  /** Begins no further pass; settles when those under way have ended. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    for (const { cancel } of this.planned.values()) cancel();
    this.planned.clear();
    this.due.clear();
    this.again.clear();
    if (this.running.size > 0) {
      await new Promise<void>((resolve) => {
        this.idle = resolve;
      });
    }
  }

  /** As soon as possible. */
  add(key: string): void {
    if (this.state === 'stopped') return;
    if (this.running.has(key)) {
      if (!this.again.has(key)) this.again.set(key, this.clock.now());
      return;
    }
    const namespace = namespaceOf(key);
    const keys = this.due.get(namespace) ?? new Map<string, number>();
    if (!keys.has(key)) keys.set(key, this.clock.now());
    this.due.set(namespace, keys);
    this.runNext();
  }

  /** After some time, unless a pass comes before; of several such wishes the earliest holds. */
  addAfter(key: string, ms: number): void {
    if (this.state === 'stopped') return;
    if (!(ms > 0)) {
      this.add(key);
      return;
    }
    const at = this.clock.now() + ms;
    const planned = this.planned.get(key);
    if (planned !== undefined && planned.at <= at) return;
    planned?.cancel();
    this.plan(key, at);
  }

  private plan(key: string, at: number): void {
    const waitMs = Math.min(Math.max(0, at - this.clock.now()), longestTimerMs);
    const cancel = this.clock.after(waitMs, () => {
      this.planned.delete(key);
      if (this.clock.now() < at) this.plan(key, at);
      else this.add(key);
    });
    this.planned.set(key, { at, cancel });
  }

  private runNext(): void {
    while (this.state === 'started' && this.running.size < this.options.concurrency) {
      const next = this.take();
      if (next === undefined) return;
      void this.run(...next);
    }
  }

  /** Passes that wait for nothing would else follow each other by the thousand, and meanwhile no lease is renewed. */
  private runNextInTurn(): void {
    if (this.endedInTurn++ === 0) {
      setImmediate(() => {
        this.endedInTurn = 0;
        this.runNext();
      });
    }
    if (this.endedInTurn < mostInTurn) this.runNext();
  }

  /** The oldest key of the namespace whose turn it is; that namespace is then last in line. */
  private take(): [key: string, since: number] | undefined {
    for (const [namespace, keys] of this.due) {
      this.due.delete(namespace);
      const [first] = keys;
      if (first === undefined) continue;
      keys.delete(first[0]);
      if (keys.size > 0) this.due.set(namespace, keys);
      return first;
    }
    return undefined;
  }

  private async run(key: string, since: number): Promise<void> {
    this.running.add(key);
    this.planned.get(key)?.cancel();
    this.planned.delete(key);
    this.options.onStart?.(key, this.clock.now() - since);
    let recheckMs: number | undefined;
    try {
      recheckMs = await this.options.process(key);
      this.failures.delete(key);
    } catch (error) {
      recheckMs = this.backoff(key);
      this.options.onError(key, error, recheckMs);
    }
    this.running.delete(key);
    const added = this.again.delete(key);
    if (added) this.add(key);
    else if (recheckMs !== undefined) this.addAfter(key, recheckMs);
    if (this.running.size === 0) this.idle?.();
    this.runNextInTurn();
  }

  private backoff(key: string): number {
    const [firstMs, longestMs] = this.options.backoffMs ?? [50, 60_000];
    const failures = this.failures.get(key) ?? 0;
    this.failures.set(key, failures + 1);
    return Math.min(firstMs * 2 ** failures, longestMs);
  }
}

function namespaceOf(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? '' : key.slice(0, slash);
}
