import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WorkQueue } from '../queue.ts';
import type { RequestRecord } from './client/transport.ts';
import type { WatchEnd } from './client/list-watch.ts';

const passBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30];

/** What Prometheus can ask of the operator. */
export class OperatorMetrics {
  readonly registry = new Registry();
  private readonly metric = { registers: [this.registry] };

  private readonly reconciles = new Histogram({
    ...this.metric,
    name: 'r1_reconcile_duration_seconds',
    help: 'Duration of a pass, by kind (R1Pipeline, R1Stage) and result (done, failed).',
    labelNames: ['kind', 'result'],
    buckets: passBuckets,
  });
  private readonly waits = new Histogram({
    ...this.metric,
    name: 'r1_queue_wait_seconds',
    help: 'Time from when a key became due until its pass began, by kind.',
    labelNames: ['kind'],
    buckets: passBuckets,
  });
  private readonly requests = new Histogram({
    ...this.metric,
    name: 'r1_api_request_duration_seconds',
    help: 'Requests to the API server, by verb and HTTP status; 0 when there was no answer.',
    labelNames: ['verb', 'code'],
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 5, 30],
  });
  private readonly restarts = new Counter({
    ...this.metric,
    name: 'r1_watch_restarts_total',
    help: 'Watches that ended, by kind and reason (finished, silent, expired, failed).',
    labelNames: ['kind', 'reason'],
  });
  private readonly attempts = new Counter({
    ...this.metric,
    name: 'r1_attempts_total',
    help: 'Attempts that ended, by outcome (Succeeded, Failed, Interrupted) and class of a failure.',
    labelNames: ['outcome', 'class'],
  });
  private readonly dropped = new Counter({
    ...this.metric,
    name: 'r1_events_dropped_total',
    help: 'Events of good news that were not written because there were too many.',
  });
  private readonly outdated = new Gauge({
    ...this.metric,
    name: 'r1_outdated_definitions',
    help: '1 for a kind whose CustomResourceDefinition is older than the operator: parts of its status are lost.',
    labelNames: ['kind'],
  });
  private readonly leader = new Gauge({
    ...this.metric,
    name: 'r1_leader',
    help: '1 while this process leads.',
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  reconciled(kind: string, result: 'done' | 'failed', ms: number): void {
    this.reconciles.observe({ kind, result }, ms / 1000);
  }

  /** A pass began, this long after it became due. */
  waited(kind: string, ms: number): void {
    this.waits.observe({ kind }, ms / 1000);
  }

  /** The time of a watch is that until its first byte. */
  requested({ method, status, ms, watch }: RequestRecord): void {
    this.requests.observe({ verb: watch ? 'WATCH' : method, code: String(status) }, ms / 1000);
  }

  watchRestarted(kind: string, reason: WatchEnd): void {
    this.restarts.inc({ kind, reason });
  }

  attemptEnded(outcome: string, failureClass: string | undefined): void {
    this.attempts.inc({ outcome, class: failureClass ?? '' });
  }

  /** Fields of a status that were sent and not kept. */
  definitionIsOutdated(kind: string): void {
    this.outdated.set({ kind }, 1);
  }

  eventDropped(): void {
    this.dropped.inc();
  }

  led(leading: boolean): void {
    this.leader.set(leading ? 1 : 0);
  }

  /** Counted when someone asks. */
  watchQueues(queues: Readonly<Record<string, WorkQueue>>): void {
    this.onScrape('r1_queue_depth', 'Keys that are due and wait for their pass, by kind.', 'kind', () =>
      Object.entries(queues).map(([kind, { depth }]) => [kind, depth]),
    );
  }

  /** @param states of every object that there is, as in the STATE column */
  watchStates(objects: 'pipelines' | 'stages', states: () => Iterable<string>): void {
    this.onScrape(`r1_${objects}`, `R1 ${objects} by state.`, 'state', () => {
      const counts = new Map<string, number>();
      for (const state of states()) counts.set(state, (counts.get(state) ?? 0) + 1);
      return counts;
    });
  }

  private onScrape(name: string, help: string, label: string, count: () => Iterable<readonly [string, number]>): void {
    const gauge = new Gauge({
      registers: [],
      name,
      help,
      labelNames: [label],
      collect() {
        this.reset();
        for (const [value, number] of count()) this.set({ [label]: value }, number);
      },
    });
    this.registry.registerMetric(gauge);
  }
}
