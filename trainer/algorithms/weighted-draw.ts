import { type RandomKey, uniform } from './random.ts';

/**
 * Draws `count` of the places 0 … length − 1 without replacement, each next one with a chance in proportion to its weight: those whose
 * exponential clocks of these rates ring first, in that order. Takes time in proportion to `length`, most of it for random numbers.
 *
 * Source: Efraimidis, Spirakis, "Weighted random sampling with a reservoir", IPL 97 (2006).
 *
 * @param weightOf above 0; with 0 a place is not drawn
 * @returns fewer where not so many have a weight
 */
export function weightedDraw(
  length: number,
  count: number,
  weightOf: (place: number) => number,
  key: RandomKey,
): number[] {
  const times = Float64Array.from({ length }, (_, place) => {
    const weight = weightOf(place);
    return weight > 0 ? -Math.log1p(-uniform(key, place)) / weight : Infinity;
  });
  const last = times.toSorted()[Math.min(count, length) - 1] ?? -1;
  const drawn: number[] = [];
  for (const [place, time] of times.entries()) if (time <= last && time < Infinity) drawn.push(place);
  return drawn.toSorted((a, b) => times[a]! - times[b]! || a - b).slice(0, count);
}
