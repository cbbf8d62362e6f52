/** The known word that a mistyped one was probably meant to be: at most a third of its letters differ. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  return closest(word, known, (candidate) => editDistance(word.toLowerCase(), candidate.toLowerCase()));
}

/** The same, where one part of a name may have been meant for all of it: `acuracy` for `rewards/accuracy/mean`. */
export function didYouMeanPartOf(word: string, known: readonly string[]): string | undefined {
  return closest(word, known, (candidate) => distanceTo(word, candidate));
}

/** The known names that are most like a word, or that have a part that is. */
export function nearest(word: string, known: readonly string[], count: number): string[] {
  return known
    .map((candidate) => ({ candidate, distance: distanceTo(word, candidate) }))
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

function closest(
  word: string,
  known: readonly string[],
  distanceOf: (candidate: string) => number,
): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = distanceOf(candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** A part counts a little less than the whole. */
function distanceTo(word: string, candidate: string): number {
  const [wanted, name] = [word.toLowerCase(), candidate.toLowerCase()];
  const ofParts = name.split('/').map((part) => editDistance(wanted, part) + 0.5);
  return Math.min(editDistance(wanted, name), ...ofParts);
}

/** Optimal string alignment distance: insertions, deletions, substitutions, swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = at(previous, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(at(previous, j) + 1, at(row, j - 1) + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, at(before, j - 2) + 1);
      }
      row.push(distance);
    }
    before = previous;
    previous = row;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
