import type { Language } from '../../contract/settings/languages.ts';

/**
 * How well a text fits each language: the mean score of its n-grams, 0 … about 200. Languages that share no n-gram with
 * the text are absent.
 */
export type Fit = Readonly<Partial<Record<Language, number>>>;

export type Identify = (text: string) => Fit;

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
    const fit = Object.fromEntries(
      // ELD squeezes a mean score s into s / (s + 25).
      Object.entries(eld.detect(text).getScores()).map(([language, score]) => [language, (25 * score) / (1 - score)]),
    ) as Fit;
    if (text.length <= longestCached) {
      if (known.size >= cached) known.clear();
      known.set(text, fit);
    }
    return fit;
  };
}
