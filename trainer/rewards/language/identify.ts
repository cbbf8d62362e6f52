import type { Language } from '../../contract/settings/languages.ts';

/** How well a text fits languages. */
export interface Fit {
  /** The one that it fits best; absent where it shares no n-gram with any. */
  readonly best: Language | undefined;
  /** As ELD gives them: a mean score s of n-grams as s / (s + 25). Languages that share no n-gram with the text are absent. */
  readonly squeezed: Readonly<Partial<Record<Language, number>>>;
}

export type Identify = (text: string) => Fit;

/** Mean score of the n-grams that a text shares with a language, 0 … about 200. One at a time: a phrase has scores of sixty, of which two are asked for. */
export function pointsOf({ squeezed }: Fit, language: Language): number {
  const score = squeezed[language] ?? 0;
  return (25 * score) / (1 - score);
}

/** Short phrases come again and again in the completions of a rollout. A fit takes 4 KB: more of them outlive the young generation. */
const cached = 2000;
const longestCached = 40;

/** Loaded when first needed: it takes a second and 140 MB, which a process that grades nothing can do without. */
let loading: Promise<Identify> | undefined;

/**
 * The language identifier: n-grams of ELD, whose tables hold whole numbers. A fit takes additions and one division, so it is
 * the same to the bit on every machine.
 */
export function loadIdentifier(): Promise<Identify> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Identify> {
  const { eld } = await import('eld/large');
  const known = new Map<string, Fit>();
  return (text) => {
    const earlier = known.get(text);
    if (earlier !== undefined) return earlier;
    const detected = eld.detect(text);
    const fit = { best: detected.language || undefined, squeezed: detected.getScores() } as Fit;
    if (text.length <= longestCached) {
      if (known.size >= cached) known.clear();
      known.set(text, fit);
    }
    return fit;
  };
}
