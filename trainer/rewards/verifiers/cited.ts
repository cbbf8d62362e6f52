import { z } from 'zod';
import { parseJson } from '../answers/structured-gold.ts';
import { abstain, correct, type Verdict, type Verifier, wrong } from './verifier.ts';

const digest = /^sha256:[0-9a-f]{64}$/;
const shortestDigest = 8;
const maxCitations = 50;

const fields = z.strictObject({
  answer: z.string(),
  kind: z.string().default('exact'),
  citations: z.array(z.string()).min(1),
  corpus: z.record(z.string().regex(/^[^[\],;@\s]{1,200}$/), z.string().regex(digest)),
});

interface Gold extends z.infer<typeof fields> {
  readonly verifier: Verifier;
  readonly inner: unknown;
}

interface Read {
  readonly verdict: Verdict;
  readonly spelling: string;
  /** Names of documents, sorted. */
  readonly citations: readonly string[];
  /** Whether all that is cited is in the corpus. */
  readonly known: boolean;
}

/**
 * An answer with the documents that it is taken from, behind it in square brackets: `42 bar [pump-manual]`, or with the beginning of a digest,
 * `[pump-manual@sha256:1f3870be]`. The right answer alone, or with other documents than those of the gold answer, scores a half. A document that is not in
 * the corpus, or has another digest there, makes it wrong.
 *
 * @param verifiers that judge the answer itself, by their kinds
 */
export function citedVerifier(verifiers: Readonly<Record<string, Verifier>>): Verifier<Gold, Read> {
  return {
    expects: `an object {answer, kind: one of ${Object.keys(verifiers).join(', ')}, citations: [names], corpus: {name: "sha256:…"}} whose citations are in its corpus`,
    parseGold(text) {
      const gold = parseJson(fields, text);
      if (gold === undefined || !gold.citations.every((name) => Object.hasOwn(gold.corpus, name))) return undefined;
      const verifier = Object.hasOwn(verifiers, gold.kind) ? verifiers[gold.kind] : undefined;
      const inner = verifier?.parseGold(gold.answer);
      return verifier === undefined || inner === undefined ? undefined : { ...gold, verifier, inner };
    },
    find: (text) => text.trim().split('\n').at(-1),
    read(text, language, { verifier, inner, corpus }) {
      const { answer, cited } = takenApart(text);
      const value = answer === '' || cited.length > maxCitations ? undefined : verifier.read(answer, language, inner);
      if (value === undefined) return undefined;
      return {
        verdict: verifier.grade(inner, value),
        spelling: verifier.spell(value),
        citations: [...new Set(cited.map(({ name }) => name))].toSorted(),
        known: cited.every((each) => isIn(corpus, each)),
      };
    },
    grade({ citations: expected }, { verdict, citations, known }) {
      if (!known || verdict.outcome === 'wrong') return wrong;
      if (verdict.outcome === 'abstain') return abstain;
      const isCited = [...new Set(expected)].toSorted().join() === citations.join();
      const score = verdict.score * (isCited ? 1 : 0.5);
      return score === 1 ? correct : { outcome: 'partial', score };
    },
    spell: ({ spelling, citations }) => `${spelling} [${citations.join(', ')}]`,
    spellGold: ({ verifier, inner, citations }) => `${verifier.spellGold(inner)} [${citations.toSorted().join(', ')}]`,
  };
}

interface Citation {
  readonly name: string;
  readonly digest: string | undefined;
}

/** The brackets at the end, and what stands before them. */
function takenApart(text: string): { readonly answer: string; readonly cited: readonly Citation[] } {
  let answer = text.trim().replace(/\.$/, '').trimEnd();
  const cited: Citation[] = [];
  while (answer.endsWith(']') && cited.length <= maxCitations) {
    const open = answer.lastIndexOf('[');
    if (open < 0) break;
    for (const each of answer.slice(open + 1, -1).split(/[,;]/)) {
      const [name = '', found] = each.trim().split('@');
      cited.push({ name, digest: found });
    }
    answer = answer.slice(0, open).trimEnd();
  }
  return { answer, cited };
}

function isIn(corpus: Gold['corpus'], { name, digest: found }: Citation): boolean {
  const known = Object.hasOwn(corpus, name) ? corpus[name] : undefined;
  if (known === undefined) return false;
  return found === undefined || (found.length >= 'sha256:'.length + shortestDigest && known.startsWith(found));
}
