import * as fc from 'fast-check';
import { type FuzzTarget, type Reader, tryInput } from './target.ts';

export interface Tried {
  readonly cases: number;
  readonly refused: number;
  readonly slowestMs: number;
}

/**
 * Tries inputs on a target.
 *
 * @param onInput called before each, for whoever wants to know on which one it hangs
 * @throws FuzzFault the first one, with the smallest input found that shows it
 */
export async function tryInputs(
  target: FuzzTarget,
  reader: Reader,
  { cases, seed, onInput }: { cases: number; seed: number; onInput?: (input: Uint8Array) => void },
): Promise<Tried> {
  let [tried, refused, slowestMs] = [0, 0, 0];
  const property = fc.asyncProperty(target.inputs(), async (input) => {
    onInput?.(input);
    const startedMs = performance.now();
    const outcome = await tryInput(reader, input);
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
    tried++;
    if (outcome === 'refused') refused++;
  });
  const { failed, counterexample, errorInstance } = await fc.check(property, { numRuns: cases, seed });
  if (failed) throw new FuzzFault(counterexample?.[0] ?? new Uint8Array(), errorInstance);
  return { cases: tried, refused, slowestMs };
}

/** An input that was neither read nor refused in words. */
export class FuzzFault extends Error {
  readonly input: Uint8Array;

  constructor(input: Uint8Array, cause: unknown) {
    const text = Buffer.from(input).toString();
    super(`${JSON.stringify(text.slice(0, 1000))}: ${String(cause)}`, { cause });
    this.input = input;
  }
}
