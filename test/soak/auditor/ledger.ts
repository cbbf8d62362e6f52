import { claimsOf, hasEnded, kinds, type Claim, type ClaimKind } from './claims.ts';
import { ownerOf, placeOf, type Snapshot } from './objects.ts';
import { runs } from './reality.ts';

/**
 * For how long each may be so before it is a fault, in milliseconds in which the API server answered. A status waits up to 15 s for its turn, and as long
 * for the Lease of an operator that was killed; one that lost its watches has them back within half a minute. Garbage is
 * collected when the controller manager has found its way back, too, and only then does it end a pod that it made twice.
 */
const settleMs: Readonly<Record<ClaimKind, number>> = {
  duplicate: 0,
  'surplus pod': 60_000,
  'wrong state': 120_000,
  'missed transition': 120_000,
  'wrong checkpoint': 120_000,
  orphan: 180_000,
  stuck: 300_000,
};
/** Longer between two answers is time in which nobody could be told anything. */
const mostCountedMs = 3000;

interface Open {
  readonly claim: Claim;
  forMs: number;
  isFault: boolean;
}

export interface KindReport {
  readonly kind: ClaimKind;
  readonly settleMs: number;
  /** How often reality and statuses differed for a while. */
  readonly seen: number;
  readonly longestMs: number;
  readonly faults: number;
}

export interface Report {
  readonly kinds: readonly KindReport[];
  readonly snapshots: number;
  readonly jobs: number;
  readonly endedPipelines: number;
  /** In words, the first of each kind. */
  readonly faults: readonly string[];
}

/** Remembers what it has seen, and how long something has been wrong. */
export class Ledger {
  private readonly open = new Map<string, Open>();
  private readonly sums = new Map(kinds.map((kind) => [kind, { seen: 0, longestMs: 0, faults: 0 }]));
  private readonly jobs = new Map<string, string>();
  private readonly ended = new Set<string>();
  private readonly faults: string[] = [];
  private readonly quiet = new Map<string, { traces: string; forMs: number }>();
  private lastAt: number | undefined;
  private snapshots = 0;

  /** @param now on a clock that never jumps, in milliseconds */
  add(snapshot: Snapshot, now: number): void {
    const passedMs = Math.min(now - (this.lastAt ?? now), mostCountedMs);
    this.lastAt = now;
    this.snapshots++;
    for (const each of snapshot.pipelines) if (hasEnded(each)) this.ended.add(each.metadata.uid);
    const claims = [...claimsOf(snapshot), ...this.secondJobs(snapshot), ...this.stuck(snapshot, passedMs)];
    const current = new Map(claims.map((claim) => [`${claim.kind} ${claim.what}`, claim]));
    for (const id of this.open.keys()) if (!current.has(id)) this.open.delete(id);
    for (const [id, claim] of current) this.count(id, claim, passedMs);
  }

  report(): Report {
    return {
      kinds: kinds.map((kind) => ({ kind, settleMs: settleMs[kind], ...this.sums.get(kind)! })),
      snapshots: this.snapshots,
      jobs: this.jobs.size,
      endedPipelines: this.ended.size,
      faults: this.faults,
    };
  }

  private count(id: string, claim: Claim, passedMs: number): void {
    const sum = this.sums.get(claim.kind)!;
    const known = this.open.get(id);
    const open = known ?? { claim, forMs: 0, isFault: false };
    if (known === undefined) {
      this.open.set(id, open);
      sum.seen++;
    } else open.forMs += passedMs;
    sum.longestMs = Math.max(sum.longestMs, open.forMs);
    if (open.isFault || open.forMs < settleMs[claim.kind]) return;
    open.isFault = true;
    sum.faults++;
    if (this.faults.length < 100)
      this.faults.push(`${claim.kind}, for ${Math.round(open.forMs / 1000)} s: ${claim.what}`);
  }

  /** One that was made again for the same attempt, also where the first is gone. */
  private secondJobs({ jobs }: Snapshot): Claim[] {
    return jobs.flatMap((job) => {
      const { stage, attempt, isTrainer } = placeOf(job);
      const key = `${stage}/${attempt}/${isTrainer}`;
      const first = this.jobs.get(key) ?? job.metadata.uid;
      this.jobs.set(key, first);
      return first === job.metadata.uid
        ? []
        : [{ kind: 'duplicate' as const, what: `Job ${job.metadata.name} of ${key}` }];
    });
  }

  /**
   * Nothing of it changes, and it has neither come to its end nor a trainer that runs: kwok has a pod run on for minutes where etcd
   * went down as it ended it, until a watch of its own begins anew.
   */
  private stuck({ pipelines, stages, jobs, pods }: Snapshot, passedMs: number): Claim[] {
    return pipelines.flatMap((pipeline) => {
      const { uid, name, resourceVersion } = pipeline.metadata;
      const own = stages.filter((stage) => ownerOf(stage, 'R1Pipeline') === uid);
      const ids = new Set(own.map(({ metadata }) => metadata.uid));
      const made = jobs.filter((job) => ids.has(placeOf(job).stage));
      const trains = pods.some((pod) => placeOf(pod).isTrainer && ids.has(placeOf(pod).stage) && runs(pod));
      const traces = [resourceVersion, ...[...own, ...made].map(({ metadata }) => metadata.resourceVersion)].join();
      const known = this.quiet.get(uid);
      const isSame = known?.traces === traces && !trains;
      this.quiet.set(uid, { traces, forMs: isSame ? known.forMs + passedMs : 0 });
      // Half of the pods of this run take a minute at most: silence counts from then on.
      return isSame && known.forMs > 60_000 && !hasEnded(pipeline)
        ? [{ kind: 'stuck' as const, what: `pipeline ${name} ${uid}` }]
        : [];
    });
  }
}
