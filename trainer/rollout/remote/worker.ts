import { setTimeout as sleep } from 'node:timers/promises';
import { InterruptedError, UnavailableError } from '../../contract/process/errors.ts';
import { type Claims, finishClaim, newClaims } from '../claims.ts';
import type { Completion, GenerationRequest } from '../requests.ts';
import { LearnerClient, OverError, StageDoneError, UnknownToLearnerError } from './client.ts';
import {
  type Answer,
  decodeLease,
  deliveryIntervalMs,
  encodeCompletion,
  leaseMs,
  type LearnerModel,
  type Registered,
  type WireCompletion,
} from './protocol.ts';

/** A model of the learner's shape, with parameters of its own. */
export interface WorkerModel {
  /** Size of all its parameters in float32. */
  readonly parameterBytes: number;
  /**
   * Gives it other parameters.
   *
   * @param receive fills the memory of one tensor after the other, little-endian float32
   */
  takeParameters(receive: (memory: AsyncIterable<Uint8Array>) => Promise<void>): Promise<void>;
  generateFree(
    requests: readonly GenerationRequest[],
    options: { claims: Claims; onCompletion: (index: number, completion: Completion) => void },
  ): Promise<void>;
  close(): Promise<void>;
}

export interface WorkerOptions {
  readonly learner: URL;
  readonly token: string;
  readonly threads: number;
  /** What the bits depend on, here. */
  readonly versions: Readonly<Record<string, string>>;
  readonly openModel: (model: LearnerModel) => Promise<WorkerModel>;
  /** Aborted: leave. */
  readonly signal: AbortSignal;
  /** How long the learner may be away; for ever when absent. */
  readonly patienceMs?: number | undefined;
  readonly say: (message: string) => void;
}

const leastWaitMs = 200;
const mostWaitMs = 2000;

/** The wait at which an absence is told, once. */
const tellingWaitMs = 8 * leastWaitMs;

/**
 * Samples for a learner until the stage is done. A learner that does not answer is asked again and again: it may come
 * back as a new attempt.
 *
 * @throws UserError if the learner will never take this worker
 * @throws UnavailableError if the learner was away for longer than the patience
 * @throws InterruptedError if it was asked to leave
 */
export async function runRolloutWorker(options: WorkerOptions): Promise<void> {
  const worker = new RolloutWorker(options);
  try {
    await worker.run();
  } finally {
    await worker.close();
  }
}

class RolloutWorker {
  readonly #options: WorkerOptions;
  readonly #learner: LearnerClient;
  #session: Registered | undefined;
  #model: WorkerModel | undefined;
  #modelConfig = '';
  /** Parameters that the model has. */
  #version: string | undefined;
  #sampled = 0;
  #answeredAt = performance.now();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#learner = new LearnerClient(options.learner, options.token);
  }

  /** Until the stage is done. A worker that is asked to leave before fails: a Job then has another one in its place. */
  async run(): Promise<void> {
    const { signal, say } = this.#options;
    for (let waitMs = leastWaitMs; !signal.aborted;) {
      try {
        await this.#turn();
        waitMs = leastWaitMs;
        this.#answeredAt = performance.now();
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof StageDoneError)
          return say(`the stage is done; ${this.#sampled} completions were sampled here`);
        if (error instanceof UnknownToLearnerError) this.#session = undefined;
        else if (!(error instanceof UnavailableError)) throw error;
        else await this.#wait(error, waitMs);
        waitMs = Math.min(2 * waitMs, mostWaitMs);
      }
    }
    if (this.#session) await this.#learner.leave().catch(() => undefined);
    throw new InterruptedError(`asked to leave; ${this.#sampled} completions were sampled here`);
  }

  async close(): Promise<void> {
    await this.#model?.close();
  }

  /** One question to the learner and what follows from its answer. */
  async #turn(): Promise<void> {
    const { signal, threads, versions, say } = this.#options;
    if (!this.#session) {
      this.#session = await this.#learner.register({ threads, engine: versions });
      say(`joined ${this.#options.learner.origin}`);
    }
    const model = await this.#openModel(this.#session);
    const answer = await this.#learner.poll({ ...(this.#version && { version: this.#version }) }, signal);
    try {
      if (answer.kind === 'update') await this.#update(model, answer.version);
      if (answer.kind === 'lease') await this.#sample(model, answer);
    } catch (error) {
      if (!(error instanceof OverError)) throw error; // others were faster
    }
  }

  async #update(model: WorkerModel, version: string): Promise<void> {
    this.#version = undefined; // half-read parameters are none
    const { parameterBytes: bytes } = model;
    const { signal } = this.#options;
    await model.takeParameters((memory) => this.#learner.readParameters(version, { bytes, memory }, signal));
    this.#version = version;
  }

  async #openModel({ config, lora, precision }: Registered): Promise<WorkerModel> {
    const model = { config, lora, precision };
    const text = JSON.stringify(model);
    if (!this.#model || text !== this.#modelConfig) {
      await this.#model?.close();
      this.#version = undefined;
      this.#model = await this.#options.openModel(model);
      this.#modelConfig = text;
    }
    return this.#model;
  }

  /** Samples what was lent, and delivers it as it is done. */
  async #sample(model: WorkerModel, lease: Extract<Answer, { kind: 'lease' }>): Promise<void> {
    const { requests, indices } = decodeLease(lease);
    const claims = newClaims(requests.length);
    let ready: WireCompletion[] = [];
    const ended = new AbortController();
    const sampled = model
      .generateFree(requests, {
        claims,
        onCompletion: (at, completion) => {
          ready.push(encodeCompletion({ index: indices[at] as number, completion }));
        },
      })
      .finally(() => ended.abort());
    sampled.catch(() => undefined); // it is awaited below, whatever comes first

    const { signal } = this.#options;
    let deliveredAt = performance.now();
    try {
      while ((!ended.signal.aborted || ready.length > 0) && !signal.aborted) {
        await pause(deliveryIntervalMs, ended.signal, signal);
        const completions = ready;
        ready = [];
        try {
          await this.#learner.deliver(lease.lease, { completions });
          deliveredAt = performance.now();
          this.#sampled += completions.length;
        } catch (error) {
          if (!(error instanceof UnavailableError) || performance.now() - deliveredAt > leaseMs) throw error;
          ready.unshift(...completions);
          await pause(deliveryIntervalMs, signal);
        }
      }
    } finally {
      for (const index of requests.keys()) finishClaim(claims, index);
      await sampled;
    }
  }

  async #wait(error: UnavailableError, ms: number): Promise<void> {
    const { patienceMs = Infinity, say, signal } = this.#options;
    const awayMs = performance.now() - this.#answeredAt;
    if (awayMs > patienceMs) throw error;
    if (ms === tellingWaitMs) say(`${error.message}; asking again and again`);
    // Workers that lost the same learner must not come back all at once.
    await pause(ms * (0.5 + Math.random()), signal);
  }
}

/** Waits for a time, or until one of the signals is aborted. */
async function pause(ms: number, ...signals: AbortSignal[]): Promise<void> {
  await sleep(ms, undefined, { signal: AbortSignal.any(signals) }).catch(() => undefined);
}
