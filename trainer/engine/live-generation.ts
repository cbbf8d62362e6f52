import type { ModelConfig } from '../models/config.ts';
import type { LiveEvent } from '../rollout/live/generate-live.ts';
import type { Completion, Sample } from '../rollout/requests.ts';
import type { Drawn } from '../rollout/sampler.ts';
import type { Backend, LiveThread } from './backend.ts';
import { expectRoom, planLive, samplesPerGroup } from './generation-plan.ts';

/** A completion that somebody waits for. */
export interface LiveCompletion {
  /** Rejected where the engine fails or is closed; never settles once it is cancelled. */
  readonly completion: Promise<Completion>;
  /** Nobody waits for it any more. */
  readonly cancel: () => void;
}

export interface LiveSample extends Omit<Sample, 'index'> {
  readonly onDrawn?: (drawn: Drawn) => void;
}

interface Running {
  readonly lane: Lane;
  readonly onDrawn: ((drawn: Drawn) => void) | undefined;
  readonly resolve: (completion: Completion) => void;
  readonly reject: (error: unknown) => void;
}

interface Lane {
  readonly thread: LiveThread;
  /** Samples that it has. */
  running: number;
}

/** Completions sampled as they are asked for, by all threads of a backend. */
export class LiveGeneration {
  /** Settles when it is closed and all is done, or when a thread fails. */
  readonly ended: Promise<void>;
  readonly #config: ModelConfig;
  readonly #lanes: readonly Lane[];
  readonly #running: Map<number, Running>;
  #next = 0;
  #over: Error | undefined;

  private constructor(config: ModelConfig, threads: readonly LiveThread[], running: Map<number, Running>) {
    this.#config = config;
    this.#running = running;
    this.#lanes = threads.map((thread) => ({ thread, running: 0 }));
    this.ended = this.#watch();
  }

  static async open(backend: Backend, config: ModelConfig, set: string): Promise<LiveGeneration> {
    const running = new Map<number, Running>();
    const onEvent = (event: LiveEvent): void => {
      const of = running.get(event.index);
      if (of === undefined) return; // cancelled
      if ('drawn' in event) {
        of.onDrawn?.(event.drawn);
        return;
      }
      running.delete(event.index);
      of.lane.running--;
      of.resolve(event.completion);
    };
    return new LiveGeneration(config, await backend.generateLive(planLive(config), set, onEvent), running);
  }

  /** Samples that somebody waits for. */
  get size(): number {
    return this.#running.size;
  }

  /**
   * Samples completions of one prompt, which is run once for several of them.
   *
   * @throws UserError if the prompt is empty or leaves no room for a token
   */
  submit(promptIds: readonly number[], samples: readonly LiveSample[]): LiveCompletion[] {
    expectRoom(promptIds, this.#config, 'the prompt');
    if (this.#over) throw this.#over;
    const completions: LiveCompletion[] = [];
    for (let first = 0; first < samples.length; first += samplesPerGroup) {
      const lane = this.#lanes.reduce((least, other) => (other.running < least.running ? other : least));
      const group: Sample[] = [];
      for (const { onDrawn, ...sample } of samples.slice(first, first + samplesPerGroup)) {
        const index = this.#next++;
        group.push({ ...sample, index });
        completions.push(this.#add(index, lane, onDrawn));
      }
      lane.thread.tell({ kind: 'group', group: { promptIds, samples: group } });
    }
    return completions;
  }

  /** Nothing more is asked for; what is running goes on to its end. */
  close(): void {
    this.#over ??= new Error('the generation is closed');
    for (const { thread } of this.#lanes) thread.tell({ kind: 'close' });
  }

  #add(index: number, lane: Lane, onDrawn: Running['onDrawn']): LiveCompletion {
    const { promise, resolve, reject } = Promise.withResolvers<Completion>();
    promise.catch(() => undefined); // whoever waits hears of it, and nobody may
    this.#running.set(index, { lane, onDrawn, resolve, reject });
    lane.running++;
    const cancel = (): void => {
      if (!this.#running.delete(index)) return;
      lane.running--;
      lane.thread.tell({ kind: 'cancel', index });
    };
    return { completion: promise, cancel };
  }

  async #watch(): Promise<void> {
    try {
      await Promise.all(this.#lanes.map(async ({ thread }) => thread.ended));
    } catch (error) {
      this.#over = error as Error;
      for (const { reject } of this.#running.values()) reject(error);
      this.#running.clear();
      throw error;
    }
  }
}
