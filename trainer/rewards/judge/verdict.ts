/** The numbers of a verdict, each from 0 to the scale. */
export interface ComparedScores {
  readonly a: number;
  readonly b: number;
}

/** What a judge gave a response; undefined where its text says no such number. @param text what the judge wrote */
export function readScore(text: string, scale: number): number | undefined {
  return lastNumber(text, 'score', scale);
}

/** What a judge gave two responses; undefined unless it says both numbers. */
export function readComparison(text: string, scale: number): ComparedScores | undefined {
  const [a, b] = [lastNumber(text, 'score_a', scale), lastNumber(text, 'score_b', scale)];
  return a === undefined || b === undefined ? undefined : { a, b };
}

/** A judge may weigh other numbers before: the last one is its verdict, and nothing that it thought counts. */
function lastNumber(text: string, tag: string, scale: number): number | undefined {
  const verdict = text.slice(text.lastIndexOf('</think>') + 1);
  const last = Array.from(verdict.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, 'g')))
    .at(-1)?.[1]
    ?.trim();
  if (last === undefined || !/^\d{1,3}(\.\d{1,6})?$/.test(last)) return undefined;
  const number = Number(last);
  return number <= scale ? number : undefined;
}
