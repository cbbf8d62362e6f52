import type { Range } from '../../optim/adamw.ts';
import type { Lanes } from './lanes.ts';

/** How numbers get from lanes to lanes: each copies what it needs from the memory of the others, which wait meanwhile. */
export class Exchange {
  readonly #lanes: Lanes;
  /** Of what is trained, what each lane updates. */
  readonly #shares: readonly Range[];

  constructor(lanes: Lanes, shares: readonly Range[]) {
    this.#lanes = lanes;
    this.#shares = shares;
  }

  /** Each lane's share of the gradient becomes the sum over the lanes that have one: a reduce-scatter. */
  async sumGradients(has: readonly boolean[]): Promise<void> {
    if (this.#lanes.size === 1) return; // it has nobody to exchange with
    const gradients = await Promise.all(
      has.map(async (some, lane) => (some ? this.#lanes.run(lane, 'exposeGradient', {}) : undefined)),
    );
    await this.#lanes.each('sumGradients', (lane) => ({
      ofLanes: gradients.map((gradient, of) => (of === lane && gradient ? 'own' : gradient)),
    }));
  }

  /** Each lane's share of the policy is copied to the others: an all-gather. */
  async spreadParameters(): Promise<void> {
    if (this.#lanes.size === 1) return;
    const policies = await this.#lanes.each('exposePolicy', () => ({}));
    await this.#lanes.each('takeParameters', (lane) => ({
      from: policies.flatMap((policy, of) => (of === lane ? [] : [{ policy, range: this.#shares[of] as Range }])),
    }));
  }
}
