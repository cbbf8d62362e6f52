import type { Range } from '../../optim/adamw.ts';
import type { Lanes } from './lanes.ts';

/** How numbers get from lanes to lanes. */
export interface Exchange {
  /** Each lane's share of the gradient becomes the sum over the lanes that have one. */
  sumGradients(has: readonly boolean[]): Promise<void>;
  /** Each lane's share of the policy is copied to the others. */
  spreadParameters(): Promise<void>;
}

/** Through memory of the process, a block at a time. Lanes wait for no other: all shares are on their way at once. */
export class HostExchange implements Exchange {
  readonly #lanes: Lanes;
  readonly #blocks: readonly (readonly Range[])[];

  /** @param blocks of what is trained, by the lane that updates it */
  constructor(lanes: Lanes, blocks: readonly (readonly Range[])[]) {
    this.#lanes = lanes;
    this.#blocks = blocks;
  }

  async sumGradients(has: readonly boolean[]): Promise<void> {
    await this.#ofEachBlock(async (owner, range) => {
      const parts = await Promise.all(
        has.map(async (some, lane) => {
          if (!some) return undefined;
          if (lane === owner) return 'own';
          const values = sharedFloats(range);
          await this.#lanes.run(lane, 'giveGradient', { range, values });
          return values;
        }),
      );
      await this.#lanes.run(owner, 'sumGradients', { range, parts });
    });
  }

  async spreadParameters(): Promise<void> {
    await this.#ofEachBlock(async (owner, range) => {
      const values = sharedFloats(range);
      await this.#lanes.run(owner, 'giveParameters', { range, values });
      const others = this.#blocks.flatMap((_, lane) => (lane === owner ? [] : [lane]));
      await Promise.all(others.map(async (lane) => this.#lanes.run(lane, 'takeParameters', { range, values })));
    });
  }

  /** One lane alone has nobody to exchange with. */
  async #ofEachBlock(work: (owner: number, range: Range) => Promise<void>): Promise<void> {
    if (this.#blocks.length === 1) return;
    await Promise.all(
      this.#blocks.map(async (blocks, owner) => {
        // oxlint-disable-next-line no-await-in-loop -- the process has room for one block a lane
        for (const range of blocks) await work(owner, range);
      }),
    );
  }
}

function sharedFloats({ start, end }: Range): Float32Array {
  return new Float32Array(new SharedArrayBuffer((end - start) * Float32Array.BYTES_PER_ELEMENT));
}
