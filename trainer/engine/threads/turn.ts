/**
 * Turns of micro-batches in a shared [1]: whose gradient is added next. Sums of floats depend on their order, so each
 * worker computes when it likes and adds when it is its turn.
 */
const refused = -1;

/**
 * Waits, blocking the thread, until it is the turn of `index`.
 *
 * @throws Error if turns are refused, because the engine is being closed
 */
export function awaitTurn(turn: Int32Array, index: number): void {
  for (let now = Atomics.load(turn, 0); now !== index; now = Atomics.load(turn, 0)) {
    throwIfRefused(turn);
    Atomics.wait(turn, 0, now);
  }
}

/** Gives the turn to the next index. */
export function passTurn(turn: Int32Array, index: number): void {
  Atomics.compareExchange(turn, 0, index, index + 1);
  Atomics.notify(turn, 0);
}

/** @throws Error if turns are refused: nobody waits for what is being done */
export function throwIfRefused(turn: Int32Array): void {
  if (Atomics.load(turn, 0) === refused) throw new Error('the engine is closed');
}

/** Ends all waiting, and whatever looks at `throwIfRefused`. */
export function refuseTurns(turn: Int32Array): void {
  Atomics.store(turn, 0, refused);
  Atomics.notify(turn, 0);
}
