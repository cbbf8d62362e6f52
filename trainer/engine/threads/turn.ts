/**
 * Turns of micro-batches: whose gradient is added next. Sums of floats depend on their order, so each worker computes
 * when it likes and adds when it is its turn. There is a turn for each part of the model, so that a micro-batch
 * may be in one layer while the next is in the layer before it:
 *
 *   stage        0     1            …  layers       layers + 1
 *   adds to      head  last layer      first layer  embedding
 *
 * In shared memory [layers + 2], one index of a micro-batch a stage.
 */
export function newTurns(layers: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer((layers + 2) * Int32Array.BYTES_PER_ELEMENT));
}

const refused = -1;

/**
 * Waits, blocking the thread, until it is the turn of `index`.
 *
 * @throws Error if turns are refused, because the engine is being closed
 */
export function awaitTurn(turns: Int32Array, stage: number, index: number): void {
  for (let now = Atomics.load(turns, stage); now !== index; now = Atomics.load(turns, stage)) {
    throwIfRefused(turns);
    Atomics.wait(turns, stage, now);
  }
}

/** Gives the turn to the next index. */
export function passTurn(turns: Int32Array, stage: number, index: number): void {
  Atomics.compareExchange(turns, stage, index, index + 1);
  Atomics.notify(turns, stage);
}

/** @throws Error if turns are refused: nobody waits for what is being done */
export function throwIfRefused(turns: Int32Array): void {
  if (Atomics.load(turns, 0) === refused) throw new Error('the engine is closed');
}

/** Gives all turns to the first micro-batch. */
export function resetTurns(turns: Int32Array): void {
  for (let stage = 0; stage < turns.length; stage++) Atomics.store(turns, stage, 0);
}

/** Ends all waiting, and whatever looks at `throwIfRefused`. */
export function refuseTurns(turns: Int32Array): void {
  for (let stage = 0; stage < turns.length; stage++) {
    Atomics.store(turns, stage, refused);
    Atomics.notify(turns, stage);
  }
}
