import { type Drawing, sampleProgram } from '../models/programs.ts';
import type { DevicePassMemory } from '../passes/device-pass-memory.ts';
import type { ExecutableCache } from '../runtime/executable-cache.ts';
import type { AnyTensor } from '../runtime/tensor.ts';
import type { Draw, Drawn, Sampler } from './sampler.ts';
import type { TokenSampling } from './sampling.ts';

/** Draws tokens on the device: random numbers go in, tokens and their probabilities come out. */
export class DeviceSampler implements Sampler {
  readonly #size: number;
  readonly #programs: ExecutableCache;
  readonly #memory: DevicePassMemory;

  constructor(vocabularySize: number, programs: ExecutableCache, memory: DevicePassMemory) {
    this.#size = vocabularySize;
    this.#programs = programs;
    this.#memory = memory;
  }

  async draw(probs: AnyTensor, draws: readonly Draw[]): Promise<readonly Drawn[]> {
    const drawn: Drawn[] = [];
    const places = Map.groupBy(draws.keys(), (at) => this.#drawing((draws[at] as Draw).sampling));
    for (const [drawing, ats] of places) {
      const alike = ats.map((at) => draws[at] as Draw);
      // oxlint-disable-next-line no-await-in-loop -- a thread runs one program at a time
      const some = await this.#drawAlike(drawing, probs, alike);
      for (const [index, at] of ats.entries()) drawn[at] = some[index] as Drawn;
    }
    return drawn;
  }

  #drawing({ temperature, topP, topK }: TokenSampling): Drawing {
    if (temperature === 0) return 'greedy';
    return topP >= 1 && (topK === 0 || topK >= this.#size) ? 'all' : 'nucleus';
  }

  async #drawAlike(drawing: Drawing, prob: AnyTensor, draws: readonly Draw[]): Promise<Drawn[]> {
    const [memory, dims] = [this.#memory, [draws.length]];
    const program = await this.#programs.get(`sample ${drawing}`, () => sampleProgram(drawing, this.#size));
    const rows = await memory.indices(
      'sampled rows',
      draws.map(({ row }) => row),
      dims,
    );
    const inputs = {
      prob,
      rows,
      ...(drawing !== 'greedy' && {
        u: memory.doubles(
          'uniform',
          Float64Array.from(draws, ({ u }) => u),
          dims,
        ),
      }),
      ...(drawing === 'nucleus' && {
        topK: await memory.indices(
          'top k',
          draws.map(({ sampling: { topK } }) => topK || this.#size),
          dims,
        ),
        topP: memory.doubles(
          'top p',
          Float64Array.from(draws, ({ sampling }) => Math.min(1, sampling.topP)),
          dims,
        ),
      }),
    };
    const token = memory.tensor('sampled token', dims, 'int32');
    const chosen = memory.tensor('sampled prob', dims);
    await program.run(inputs, { token, chosen });
    const { tokens, numbers: probs } = memory.readTokens(token, chosen);
    return draws.map((_, at) => ({ token: tokens[at] as number, prob: probs[at] as number }));
  }
}
