import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { isAlreadyExists, isConflict } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { leases, type Lease, type Stored } from './resources.ts';

export interface LeaderTiming {
  /** How long the others leave a lease alone that nobody renews; whole seconds. */
  readonly leaseMs: number;
  /** The leader gives up when it could not renew for so long; shorter than `leaseMs`, so that there are never two. */
  readonly deadlineMs: number;
  readonly renewMs: number;
  /** Between two tries after one that failed. */
  readonly retryMs: number;
}

const defaultTiming: LeaderTiming = { leaseMs: 15_000, deadlineMs: 10_000, renewMs: 5000, retryMs: 2000 };
/** Longer than a busy API server needs, and short enough for a second try before the deadline. */
const longestRequestMs = 3000;

export interface LeaderElectionOptions {
  readonly client: KubeClient;
  readonly lease: { readonly namespace: string; readonly name: string };
  /** Called once when the lease was held and is no more, unless it was released. */
  readonly onLost: (why: string) => void;
  readonly onError: (error: unknown) => void;
  readonly timing?: LeaderTiming;
}

/**
 * One leader among several operators, by a Lease of coordination.k8s.io. As in client-go nobody compares the clocks of
 * two machines: a lease counts as abandoned when it has not changed for its duration on one's own clock.
 */
export class LeaderElection {
  /** Unique among those who compete. */
  readonly identity = `${hostname()}_${randomUUID()}`;
  private readonly options: LeaderElectionOptions;
  private readonly timing: LeaderTiming;
  private state: 'following' | 'leading' | 'over' = 'following';
  /** The lease as it was last seen, and since when. */
  private seen: { readonly lease: Stored<Lease>; readonly at: number } | undefined;
  /** When the request began that renewed the lease last: the others count from later on. */
  private renewedAt = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private turn: Promise<void> = Promise.resolve();
  /** The last turn failed: what it asked for may have been done. */
  private unanswered = false;
  private onElected: () => void = () => undefined;

  constructor(options: LeaderElectionOptions) {
    this.options = options;
    this.timing = options.timing ?? defaultTiming;
  }

  /** False as soon as another could lead, even when this process slept and has not been told yet. */
  get leading(): boolean {
    return this.state === 'leading' && performance.now() - this.renewedAt < this.timing.leaseMs;
  }

  /** Settles when this process leads; never, if another does for ever. */
  lead(): Promise<void> {
    return new Promise((resolve) => {
      this.onElected = resolve;
      if (this.state === 'following') this.takeTurn();
    });
  }

  /**
   * Competes no more, and hands back a lease that is held, so that the next leader need not wait for its end; also one that
   * was being taken just now, whether or not the answer has come.
   */
  async release(): Promise<void> {
    const wasOver = this.state === 'over';
    this.state = 'over';
    clearTimeout(this.timer);
    await this.turn;
    if (wasOver) return;
    try {
      const lease = this.unanswered
        ? await this.options.client.find(leases, this.options.lease, AbortSignal.timeout(longestRequestMs))
        : this.seen?.lease;
      if (lease?.spec?.holderIdentity !== this.identity) return;
      await this.write(lease, { holderIdentity: '', leaseDurationSeconds: 1 });
    } catch (error) {
      this.options.onError(error);
    }
  }

  private takeTurn(): void {
    this.turn = this.acquireOrRenew().then(
      (held) => {
        this.unanswered = false;
        this.conclude(held);
      },
      (error: unknown) => {
        this.unanswered = true;
        this.options.onError(error);
        this.conclude(false);
      },
    );
  }

  private conclude(held: boolean): void {
    if (this.state === 'over') return;
    const { deadlineMs, renewMs, retryMs } = this.timing;
    const age = performance.now() - this.renewedAt;
    const holder = this.seen?.lease.spec?.holderIdentity;
    if (held && this.state === 'following') {
      this.state = 'leading';
      this.onElected();
    } else if (!held && this.state === 'leading' && (age >= deadlineMs || holder !== this.identity)) {
      this.state = 'over';
      const why = holder === this.identity ? `could not renew it for ${deadlineMs / 1000} s` : `${holder} holds it`;
      this.options.onLost(why);
      return;
    }
    // A little later than the others, so that not all of them ask at the same moment.
    const waitMs = held ? renewMs - age : retryMs * (1 + Math.random() * 0.2);
    const untilDeadline = this.state === 'leading' ? deadlineMs - age : Number.POSITIVE_INFINITY;
    this.timer = setTimeout(() => this.takeTurn(), Math.min(Math.max(waitMs, 0), untilDeadline));
  }

  /** @returns whether the lease is ours now */
  private async acquireOrRenew(): Promise<boolean> {
    const { client, lease: name } = this.options;
    const own = this.seen?.lease;
    if (this.state === 'leading' && own !== undefined) {
      // The version that we wrote ourselves saves reading it. When it is not the newest, look.
      const renewed = await this.write(own, {}).catch(unlessConflict);
      if (renewed) return true;
    }

    const lease = await client.find(leases, name, this.limit());
    if (lease === undefined) {
      const startedAt = performance.now();
      const created = await client
        .create(leases, { metadata: name, spec: this.claim(undefined) }, this.limit())
        .catch(unlessConflict);
      if (created !== undefined) this.held(created, startedAt);
      return created !== undefined;
    }
    if (lease.metadata.resourceVersion !== this.seen?.lease.metadata.resourceVersion) {
      this.seen = { lease, at: performance.now() };
    }
    const { holderIdentity, leaseDurationSeconds = 0 } = lease.spec ?? {};
    const free = !holderIdentity || performance.now() - this.seen.at >= leaseDurationSeconds * 1000;
    if (!free && holderIdentity !== this.identity) return false;
    return (await this.write(lease, this.claim(lease)).catch(unlessConflict)) ?? false;
  }

  private claim(lease: Stored<Lease> | undefined): NonNullable<Lease['spec']> {
    const { holderIdentity, acquireTime, leaseTransitions } = lease?.spec ?? {};
    const ours = holderIdentity === this.identity;
    return {
      holderIdentity: this.identity,
      leaseDurationSeconds: Math.ceil(this.timing.leaseMs / 1000),
      acquireTime: ours && acquireTime !== undefined ? acquireTime : microTime(),
      leaseTransitions: lease === undefined ? 0 : (leaseTransitions ?? 0) + (ours ? 0 : 1),
      renewTime: microTime(),
    };
  }

  private async write(lease: Stored<Lease>, changes: NonNullable<Lease['spec']>): Promise<boolean> {
    const startedAt = performance.now();
    const spec = { ...lease.spec, renewTime: microTime(), ...changes };
    this.held(await this.options.client.replace(leases, { ...lease, spec }, this.limit()), startedAt);
    return true;
  }

  private held(lease: Stored<Lease>, since: number): void {
    this.seen = { lease, at: since };
    this.renewedAt = since;
  }

  /** A leader must know in time that it is none. */
  private limit(): AbortSignal {
    const leftMs = Math.ceil(this.timing.deadlineMs - (performance.now() - this.renewedAt));
    const mostMs = this.state === 'leading' ? Math.min(longestRequestMs, Math.max(leftMs, 0)) : longestRequestMs;
    return AbortSignal.timeout(mostMs);
  }
}

/** Another was faster. */
function unlessConflict(error: unknown): undefined {
  if (!isConflict(error) && !isAlreadyExists(error)) throw error;
}

/** `metav1.MicroTime` wants exactly six digits after the point. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
