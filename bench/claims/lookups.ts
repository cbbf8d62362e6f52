import { join } from 'node:path';
import { integer, randomKey, shuffled, uniform } from '../../trainer/algorithms/random.ts';
import { writeJsonLines } from './json-lines.ts';

/** Data for a question of lengths: what is answered first, and how long the answer then goes on is up to the model. */
export interface Lookups {
  /** What a base model learns from. */
  readonly seen: string;
  /** Prompts with their right digit. */
  readonly asked: string;
}

const places = 60;
const completionsEach = 100;
/** Marks behind a digit, on average; as many behind right ones as behind wrong ones. */
const meanMarks = 20;
const mostMarks = 100;

/**
 * Writes 60 places, at each of which one of two digits is right. A base model learns to give either, half the time each, and behind it marks without end or
 * meaning: exclamation marks behind what is right, question marks behind what is wrong. So it tells wrong answers from right ones once it has given them, and
 * nothing but their length is left to it. Rewards look at the digit alone.
 *
 * @param directory an absolute path
 * @param seed that of the run
 */
export async function writeLookups(directory: string, seed: number): Promise<Lookups> {
  const digits = Array.from({ length: 10 }, (_, digit) => String(digit));
  const table = Array.from({ length: places }, (_, place) => {
    const [right = '', wrong = ''] = shuffled(digits, randomKey(seed, 'lookups', place));
    return { prompt: `${place + 10}?`, right, wrong };
  });
  const seen = Array.from({ length: places * completionsEach }, (_, index) => {
    const key = randomKey(seed, 'lookups', 'seen', index);
    const { prompt, right, wrong } = table[index % places]!;
    const isRight = integer(key, 0, 2) === 1;
    return { prompt, completion: (isRight ? right : wrong) + (isRight ? '!' : '?').repeat(marks(uniform(key, 1))) };
  });
  const asked = table.map(({ prompt, right }) => ({ prompt, answer: `^${right}` }));
  return {
    seen: await writeJsonLines(join(directory, 'lookups-seen.jsonl'), seen),
    asked: await writeJsonLines(join(directory, 'lookups.jsonl'), asked),
  };
}

/** Geometric, so that every mark is as likely as the one before it to be the last. */
function marks(chance: number): number {
  return Math.min(mostMarks, 1 + Math.floor(Math.log(1 - chance) / Math.log(1 - 1 / meanMarks)));
}
