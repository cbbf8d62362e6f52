import { InterruptedError } from '../contract/errors.ts';

/** The wish of someone outside that the stage stop. Recipes look at safe points and save first. */
export class StopRequest {
  private readonly signal: AbortSignal;

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
}
