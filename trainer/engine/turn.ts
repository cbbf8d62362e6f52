/** Waits, blocking the thread, until it is the turn of `index`. */
export function awaitTurn(turn: Int32Array, index: number): void {
  for (let now = Atomics.load(turn, 0); now !== index; now = Atomics.load(turn, 0)) Atomics.wait(turn, 0, now);
}

/** Gives the turn to the next index. */
export function passTurn(turn: Int32Array, index: number): void {
  Atomics.store(turn, 0, index + 1);
  Atomics.notify(turn, 0);
}
