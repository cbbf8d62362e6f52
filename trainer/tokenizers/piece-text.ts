type Decode = (ids: readonly number[]) => string;

/** A step of the decoder in `tokenizer.json`. */
type Step = Readonly<Record<string, unknown>>;

/**
 * Tells what a token writes after others, for finding texts in what tokens write; undefined where that depends on which
 * others they are, or where a text could be found that decoding leaves out.
 *
 * @param texts that are to be found
 * @param decoder of `tokenizer.json`
 * @param vocabularySize highest id plus one
 */
export function pieceText(
  texts: readonly string[],
  decoder: unknown,
  decode: Decode,
  vocabularySize: number,
): ((id: number) => string) | undefined {
  if (typeOf(decoder) === 'ByteLevel') return (id) => decode([id]);
  if (!writesSpaces(decoder) || texts.some((text) => text.startsWith(' '))) return undefined;
  // At the beginning of a text a blank is dropped, so that a token is looked at behind another one.
  const before = Array.from({ length: vocabularySize }, (_, id) => id).find((id) => /^[a-z]$/.test(decode([id])));
  if (before === undefined) return undefined;
  return (id) => decode([before, id]).slice(1);
}

/** SentencePiece's: ▁ is a blank, bytes of letters that have no token come in a row, and at most the first blank is dropped. */
function writesSpaces(decoder: unknown): boolean {
  if (typeOf(decoder) === 'Metaspace') return (decoder as Step)['replacement'] === '▁';
  const steps = typeOf(decoder) === 'Sequence' ? (decoder as Step)['decoders'] : undefined;
  if (!Array.isArray(steps)) return false;
  const [replace, bytes, fuse, strip, ...more] = steps as readonly (Step | undefined)[];
  return (
    isBlankFor(replace) &&
    typeOf(bytes) === 'ByteFallback' &&
    typeOf(fuse) === 'Fuse' &&
    (strip === undefined || isLeadingBlank(strip)) &&
    more.length === 0
  );
}

function isBlankFor(step: Step | undefined): boolean {
  const pattern = step?.['pattern'] as Step | undefined;
  return typeOf(step) === 'Replace' && pattern?.['String'] === '▁' && step?.['content'] === ' ';
}

function isLeadingBlank(step: Step | undefined): boolean {
  const { content, start, stop } = step ?? {};
  return typeOf(step) === 'Strip' && content === ' ' && (start === 0 || start === 1) && stop === 0;
}

function typeOf(step: unknown): unknown {
  return (step as Step | null | undefined)?.['type'];
}
