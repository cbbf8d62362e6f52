import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnavailableError } from '../../contract/process/errors.ts';
import type { Completion, GenerationRequest } from '../requests.ts';
import { answering, HttpError, readJson, sendJson } from './http.ts';
import {
  type Answer,
  decodeCompletion,
  delivery,
  encodeLease,
  leaseMs,
  longPollMs,
  paths,
  poll,
  type Poll,
  type Registration,
  registration,
  workerHeader,
} from './protocol.ts';
import { type Accept, mayHelp, mostConnections, type RemoteWorker, Roster } from './roster.ts';
import { ParameterSender } from './send-parameters.ts';
import type { ServedModel } from './served-model.ts';
import { differs, RefusedDelivery, SharedRequests } from './shared-requests.ts';

export interface ServerOptions {
  readonly port: number;
  /** Every interface when absent. */
  readonly host?: string | undefined;
  readonly token: string;
  /** What the bits depend on, here. */
  readonly versions: Readonly<Record<string, string>>;
  /** Whether a worker must have the same of them; it must when absent. */
  readonly accept?: Accept | undefined;
  /** Called when workers have sent completions: a sign of life. */
  readonly onActivity: () => void;
}

/** A poll that waits for work. */
interface Waiting {
  readonly worker: RemoteWorker;
  readonly version: string | undefined;
  readonly answer: (answer: Answer | HttpError) => void;
}

const smallBodyBytes = 64 * 1024;

/** How long the end of the stage waits for workers to hear of it; twice as long ago they gave a sign of life at most. */
const farewellMs = 5000;

/**
 * Lets rollout workers elsewhere help with generations. Results are the same with none, any and failing workers, unless a generation
 * accepts a mismatch; the learner does itself what nobody else has done in time.
 */
export class RolloutServer {
  readonly #server: Server;
  readonly #options: ServerOptions;
  readonly #parameters = new ParameterSender();
  /** Versions of another run of the learner must not be taken for ours. */
  readonly #run = randomUUID().slice(0, 8);
  readonly #roster: Roster;
  readonly #waiting = new Set<Waiting>();
  #model: ServedModel | undefined;
  #shared: SharedRequests<RemoteWorker> | undefined;
  /** Of the generation that is shared. */
  #accept: Accept = 'equal';
  #changed = Promise.withResolvers<void>();
  #done = false;

  private constructor(options: ServerOptions) {
    this.#options = options;
    this.#roster = new Roster(options.versions, options.accept ?? 'equal');
    this.#server = createServer(answering(options.token, (request, response) => this.#route(request, response)));
    this.#server.headersTimeout = 10_000;
    this.#server.requestTimeout = 60_000;
    this.#server.keepAliveTimeout = 2 * longPollMs;
    this.#server.maxConnections = mostConnections;
  }

  /** @throws UnavailableError if the port cannot be had */
  static async listen(options: ServerOptions): Promise<RolloutServer> {
    const server = new RolloutServer(options);
    const { port, host } = options;
    server.#server.listen(port, host);
    try {
      await once(server.#server, 'listening');
    } catch (error) {
      throw new UnavailableError(`rollout: cannot listen on port ${port}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    return server;
  }

  get address(): ReturnType<Server['address']> {
    return this.#server.address();
  }

  /** From now on workers may register. */
  serve(model: ServedModel): void {
    this.#model = model;
  }

  /**
   * Samples one completion per request, in request order, with whoever helps.
   *
   * @param accept whether workers whose completions differ in their bits may; not when absent
   */
  async generate(requests: readonly GenerationRequest[], accept: Accept = 'equal'): Promise<Completion[]> {
    if (!this.#model) throw new Error('no model is served');
    const { engine, limits } = this.#model;
    const startedAt = performance.now();
    const shared = new SharedRequests<RemoteWorker>(requests, limits);
    const here = (): Promise<void> =>
      engine.generateFree(requests, {
        claims: shared.claims,
        helpers: this.#roster.threads(accept),
        onCompletion: (index, completion) => {
          this.#refuse(shared.completeHere(index, completion), differs);
        },
      });
    const ticker = setInterval(() => this.#expire(shared), 1000);
    try {
      for (let sampling = here(); ; sampling = here()) {
        [this.#shared, this.#accept] = [shared, accept];
        this.#lend();
        await sampling;
        while (!shared.complete && shared.free.length === 0) {
          // Nothing is left but what workers have. What takes them much longer than us is done again, here or elsewhere.
          const changed = await this.#changesWithin(Math.max(100, (performance.now() - startedAt) / 4));
          if (!changed) shared.reclaim();
        }
        if (shared.complete) return shared.completions;
      }
    } finally {
      clearInterval(ticker);
      this.#shared = undefined;
    }
  }

  /** Ends the server. If the stage is done, workers are told so first, those that ask within a few seconds. */
  async close({ done }: { done: boolean }): Promise<void> {
    if (done) {
      this.#done = true;
      for (const { worker, answer } of this.#waiting) {
        this.#roster.remove(worker);
        answer(new HttpError(410, 'the stage is done'));
      }
      const deadline = performance.now() + farewellMs;
      while (this.#roster.seenSince(deadline - 2 * farewellMs) && performance.now() < deadline) await sleep(50);
    }
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Whether something is done or becomes free in this time. */
  async #changesWithin(ms: number): Promise<boolean> {
    const signOfLife = setInterval(this.#options.onActivity, 1000);
    try {
      const change = Promise.race([this.#changed.promise.then(() => true), sleep(ms, false, { ref: false })]);
      return await (this.#model?.engine.orStop(change) ?? change);
    } finally {
      clearInterval(signOfLife);
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url: path = '' } = request;
    if (method === 'POST' && path === paths.workers) {
      if (this.#done) throw new HttpError(410, 'the stage is done');
      sendJson(response, 200, this.#register(await readJson(request, registration, smallBodyBytes), request));
      return;
    }
    const worker = this.#known(request);
    const below = (folder: string): string | undefined =>
      path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined;
    const [lease, version] = [below(paths.leases), below(paths.parameters)];
    if (method === 'POST' && path === paths.leases) {
      this.#poll(worker, await readJson(request, poll, smallBodyBytes), response);
    } else if (method === 'POST' && lease !== undefined) {
      await this.#deliver(worker, lease, request);
      sendJson(response, 200, {});
    } else if (method === 'GET' && version !== undefined) {
      await this.#sendParameters(version, response);
    } else if (method === 'DELETE' && path === paths.workers) {
      this.#forget(worker, 'left');
      sendJson(response, 200, {});
    } else {
      throw new HttpError(404, 'no such path');
    }
  }

  #register(told: Registration, { socket }: IncomingMessage): object {
    this.#roster.differenceOf(told);
    if (!this.#model) throw new HttpError(503, 'the model is still being loaded');
    const { id } = this.#roster.join(told, `${socket.remoteAddress}:${socket.remotePort}`);
    const { config, lora, precision } = this.#model;
    return { worker: id, config, lora, precision };
  }

  #poll(worker: RemoteWorker, { version }: Poll, response: ServerResponse): void {
    const finish = (answer: Answer | HttpError): void => {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
      worker.seenAt = performance.now();
      if (answer instanceof HttpError) sendJson(response, answer.status, { error: answer.message });
      else sendJson(response, 200, answer);
    };
    const waiting = { worker, version, answer: finish };
    const timer = setTimeout(() => finish({ kind: 'wait' }), longPollMs);
    response.once('close', () => {
      if (!this.#waiting.delete(waiting)) return;
      clearTimeout(timer);
      this.#forget(worker, 'has gone');
    });
    this.#waiting.add(waiting);
    this.#lend();
  }

  async #deliver(worker: RemoteWorker, leaseId: string, request: IncomingMessage): Promise<void> {
    const shared = this.#shared;
    const lease = shared?.lease(leaseId);
    if (!shared || lease?.worker !== worker) throw new HttpError(412, 'the lease is over');
    const most = smallBodyBytes + 256 * lease.indices.length + Math.ceil((shared.bytesOf(lease) * 4) / 3);
    const { completions } = await readJson(request, delivery, most);
    lease.expiresAt = performance.now() + leaseMs;
    if (completions.length === 0) return;
    if (shared.lease(leaseId) !== lease || this.#shared !== shared) throw new HttpError(412, 'the lease is over');
    this.#options.onActivity();
    try {
      this.#refuse(shared.deliver(lease, completions.map(decodeCompletion)), differs);
    } catch (error) {
      if (!(error instanceof RefusedDelivery || error instanceof RangeError)) throw error;
      this.#refuse([worker], error.message);
      throw new HttpError(422, error.message);
    }
    this.#tellChange(shared);
  }

  async #sendParameters(version: string, response: ServerResponse): Promise<void> {
    if (!this.#model || version !== this.#version()) throw new HttpError(412, `the parameters ${version} are gone`);
    const { engine } = this.#model;
    const bytes = engine.layout.size * Float32Array.BYTES_PER_ELEMENT;
    const isCurrent = () => this.#version() === version;
    await this.#parameters.send(response, { version, bytes, read: () => engine.readParameters(), isCurrent });
  }

  #version(): string {
    return `${this.#run}-${this.#model?.engine.parametersVersion}`;
  }

  /** Answers waiting polls, as far as there is something to say. */
  #lend(): void {
    const shared = this.#shared;
    for (const waiting of this.#waiting) {
      const free = shared?.free.length ?? 0;
      if (!shared || free === 0) return;
      if (!mayHelp(waiting.worker, this.#accept)) continue;
      if (waiting.version !== this.#version()) {
        waiting.answer({ kind: 'update', version: this.#version() });
        continue;
      }
      const { worker } = waiting;
      const threads = this.#roster.threads(this.#accept) + (this.#model?.engine.workers ?? 0);
      const lease = shared.lend(worker, Math.ceil((free * worker.threads) / threads), performance.now() + leaseMs);
      if (lease) waiting.answer(encodeLease(lease.id, shared.requests, lease.indices));
    }
  }

  #expire(shared: SharedRequests<RemoteWorker>): void {
    const now = performance.now();
    const polling = new Set(Array.from(this.#waiting, ({ worker }) => worker));
    const idle = this.#roster.silent(now).filter((worker) => !polling.has(worker));
    for (const worker of [...shared.silent(now), ...idle]) this.#forget(worker, 'has been silent for too long');
  }

  /** Workers whose completions cannot be used must not be asked again. */
  #refuse(workers: readonly RemoteWorker[], why: string): void {
    for (const worker of workers) {
      this.#roster.refuse(worker, why);
      this.#forget(worker, `is refused: ${why}`);
    }
  }

  #forget(worker: RemoteWorker, why: string): void {
    if (!this.#roster.remove(worker)) return;
    console.error(`rollout worker ${worker.name} ${why}`);
    this.#shared?.drop(worker);
    if (this.#shared) this.#tellChange(this.#shared);
  }

  /** Something was done or became free. */
  #tellChange(shared: SharedRequests<RemoteWorker>): void {
    if (!shared.complete && shared.free.length === 0) return;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    this.#lend();
  }

  #known(request: IncomingMessage): RemoteWorker {
    const worker = this.#roster.known(String(request.headers[workerHeader]));
    if (!this.#done) return worker;
    this.#roster.remove(worker);
    throw new HttpError(410, 'the stage is done');
  }
}
