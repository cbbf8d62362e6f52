import { cancelRuns } from '../../runtime/open-runtime.ts';
import type { Cancellation } from '../../runtime/runtime.ts';
import type { LiveEvent } from '../../rollout/live/generate-live.ts';
import type { LiveThread } from '../backend.ts';
import { endAtExit } from '../end-at-exit.ts';
import { JobThread } from '../job-thread.ts';
import type { LaneJobs, LaneSettings } from './protocol.ts';
import { sharedWord } from '../../runtime/shared-word.ts';

type JobKind = keyof LaneJobs;
type LanePlace = Pick<LaneSettings, 'device' | 'blocks'>;
type ModelSettings = Pick<LaneSettings, 'config' | 'head' | 'optimizer' | 'runtime'>;

/** Threads that drive a device each. */
export class Lanes {
  readonly #threads: readonly JobThread<LaneJobs>[];
  readonly #unwanted = sharedWord();
  readonly #ignoreExit: () => void;
  #cancellations: readonly Cancellation[] = [];

  private constructor(lanes: readonly LanePlace[], settings: ModelSettings, onActivity: () => void) {
    const running = sharedWord();
    this.#threads = lanes.map((place) => {
      const of: LaneSettings = { ...settings, ...place, unwanted: this.#unwanted, running };
      return new JobThread<LaneJobs>(new URL('lane-thread.ts', import.meta.url), of, onActivity);
    });
    this.#ignoreExit = endAtExit(running, () => {
      this.#endRuns();
      for (const thread of this.#threads) thread.stop();
    });
  }

  /** Resolves once every lane has its device. */
  static async start(places: readonly LanePlace[], settings: ModelSettings, onActivity: () => void): Promise<Lanes> {
    const lanes = new Lanes(places, settings, onActivity);
    try {
      lanes.#cancellations = await lanes.each('ready', () => ({}));
      return lanes;
    } catch (error) {
      await lanes.close();
      throw error;
    }
  }

  get size(): number {
    return this.#threads.length;
  }

  async run<K extends JobKind>(lane: number, kind: K, request: LaneJobs[K]['request']): Promise<LaneJobs[K]['result']> {
    return (this.#threads[lane] as JobThread<LaneJobs>).run(kind, request);
  }

  /** Runs one job on every lane; resolves to their results, by lane. */
  async each<K extends JobKind>(
    kind: K,
    request: (lane: number) => LaneJobs[K]['request'],
    onEvent?: (event: unknown) => void,
  ): Promise<LaneJobs[K]['result'][]> {
    return Promise.all(this.#threads.map(async (thread, lane) => thread.run(kind, request(lane), onEvent)));
  }

  live(request: LaneJobs['generateLive']['request'], onEvent: (event: LiveEvent) => void): LiveThread[] {
    return this.#threads.map((thread) => {
      const { tell, result } = thread.start('generateLive', request, (event) => onEvent(event as LiveEvent));
      return { tell, ended: result };
    });
  }

  /** Runs jobs on whichever lane is free, started in their order; resolves to their results in that order. */
  async all<K extends JobKind>(kind: K, requests: readonly LaneJobs[K]['request'][]): Promise<LaneJobs[K]['result'][]> {
    const results: LaneJobs[K]['result'][] = [];
    const queue = requests.entries();
    await Promise.all(
      this.#threads.map(async (thread) => {
        // oxlint-disable-next-line no-await-in-loop -- one after the other on a lane
        for (const [index, request] of queue) results[index] = await thread.run(kind, request);
      }),
    );
    return results;
  }

  /** Rejects all that runs. The lanes go on: what is in their memory can still be read. */
  abandon(): void {
    this.#endRuns();
    for (const thread of this.#threads) thread.rejectAll();
  }

  async close(): Promise<void> {
    this.#endRuns();
    await Promise.all(this.#threads.map(async (thread) => thread.close()));
    this.#ignoreExit();
  }

  #endRuns(): void {
    Atomics.store(this.#unwanted, 0, 1);
    for (const cancellation of this.#cancellations) cancelRuns(cancellation);
  }
}
