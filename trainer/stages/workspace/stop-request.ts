import { InterruptedError } from '../../contract/process/errors.ts';

/** The wish of someone outside that the stage stop. Recipes look at safe points and save first. */
export class StopRequest {
  readonly signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  get made(): boolean {
    return this.signal.aborted;
  }

  /** Ends the stage at a safe point if someone has asked for it. `saved` says up to where its work is kept. */
  heed(saved: string): void {
    if (this.made) throw new InterruptedError(`asked to stop; saved ${saved}`);
  }

  /**
   * Does work that ends early, with an InterruptedError, when someone asks for a stop.
   *
   * @param save saves what was done before, and says up to where that is
   */
  async during<T>(work: () => Promise<T>, save: () => string | Promise<string>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof InterruptedError) this.heed(await save());
      throw error;
    }
  }
}
