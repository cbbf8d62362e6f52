import type { ModelConfig } from '../models/config.ts';
import { entropyProgram, probabilityProgram, scoreProgram } from '../models/programs.ts';
import type { ExecutableCache } from '../runtime/executable-cache.ts';
import type { AnyTensor, AnyTensors } from '../runtime/tensor.ts';
import { tensorRows } from '../runtime/device-memory.ts';
import type { PassMemory } from './pass-memory.ts';

/** Bytes of the logits that exist at a time. */
export const logitBytes = 64 * 1024 * 1024;

/** Some of the picked tokens, from `start` to before `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Cuts picked tokens up, so that their logits take little memory: as evenly as it goes, for a product with a single row
 * would sum in another order.
 */
export function logitSpans(count: number, vocabularySize: number, bytes = logitBytes): Span[] {
  const most = Math.max(4, Math.floor(bytes / (vocabularySize * Float32Array.BYTES_PER_ELEMENT)));
  const spans = Math.ceil(count / most);
  return Array.from({ length: spans }, (_, index) => ({
    start: Math.floor((count * index) / spans),
    end: Math.floor((count * (index + 1)) / spans),
  }));
}

const figures = { prob: probabilityProgram, entropy: entropyProgram } as const;

/** What is asked of each picked token: the probability of its target, or the entropy of the distribution that it is drawn from, in nats. */
export interface AskedFigure {
  readonly figure: keyof typeof figures;
  readonly inverseTemperature: number;
}

/** Runs what follows the last layer where nothing is trained. */
export class HeadRuns {
  readonly #config: ModelConfig;
  readonly #programs: ExecutableCache;
  readonly #memory: PassMemory;

  constructor(config: ModelConfig, programs: ExecutableCache, memory: PassMemory) {
    this.#config = config;
    this.#programs = programs;
    this.#memory = memory;
  }

  /** Of each picked token, `[M]`. @param x the last residual stream */
  async tokenFigures(
    parameters: AnyTensors,
    x: AnyTensor,
    { picked, targets }: { readonly picked: readonly number[]; readonly targets: readonly number[] },
    { figure, inverseTemperature }: AskedFigure,
  ): Promise<Float32Array> {
    const program = await this.#programs.get(figure, () => figures[figure](this.#config));
    const memory = this.#memory;
    const scale = memory.floats('inverse temperature', Float32Array.of(inverseTemperature), [1]);
    const all = new Float32Array(picked.length);
    const rows = await memory.indices('picked', picked, [picked.length]);
    const wanted = await memory.indices('targets', targets, [targets.length]);
    for (const span of logitSpans(picked.length, this.#config.vocabularySize)) {
      const ofSpan = (tensor: AnyTensor) => tensorRows(tensor, span.start, span.end);
      const inputs = { x: await memory.pickRows(x, ofSpan(rows)), targets: ofSpan(wanted), inverseTemperature: scale };
      const output = memory.tensor(`picked ${figure}`, [span.end - span.start]);
      await program.run({ ...parameters, ...inputs }, { [figure]: output });
      all.set(memory.read(output), span.start);
    }
    return all;
  }

  /** The scalar head at each picked token, `[M]`. */
  async scores(parameters: AnyTensors, x: AnyTensor, picked: readonly number[]): Promise<Float32Array> {
    const program = await this.#programs.get('score', () => scoreProgram(this.#config));
    const rows = await this.#memory.pickRows(x, await this.#memory.indices('picked', picked, [picked.length]));
    const score = this.#memory.tensor('picked score', [picked.length]);
    await program.run({ ...parameters, x: rows }, { score });
    return this.#memory.read(score).slice();
  }
}
