/** Texts that end a completion, for whoever has tokens and no tokenizer. */
export interface StopTexts {
  readonly texts: readonly string[];
  /** What each token writes that can be part of one of the texts, or that writes nothing. All others end what has begun. */
  readonly pieces: readonly (readonly [id: number, text: string])[];
}

/** What ends a completion before its longest length. */
export interface Stops {
  readonly stopIds: readonly number[];
  /** End it as well, where the tokens that write them are known. */
  readonly stopTexts?: StopTexts | undefined;
}

const noTexts: StopTexts = { texts: [], pieces: [] };

/** Many requests have the same array. */
const maps = new WeakMap<StopTexts['pieces'], ReadonlyMap<number, string>>();

/** Sees the tokens of one completion, and says where it ends by itself. */
export class StopWatch {
  private readonly stopIds: readonly number[];
  private readonly texts: readonly string[];
  private readonly pieces: ReadonlyMap<number, string>;
  /** Of what was written, the end that a stop text may have begun in. */
  private tail = '';

  constructor({ stopIds, stopTexts = noTexts }: Stops) {
    this.stopIds = stopIds;
    this.texts = stopTexts.texts;
    this.pieces = mapOf(stopTexts.pieces);
  }

  /** Whether the completion ends with its next token: with a stop token, or with one that completes a stop text. */
  endsWith(token: number): boolean {
    if (this.stopIds.includes(token)) return true;
    if (this.texts.length === 0) return false;
    const piece = this.pieces.get(token);
    const written = piece === undefined ? '' : this.tail + piece;
    this.tail = written.slice(-longest(this.texts));
    return this.texts.some((text) => written.includes(text));
  }
}

/** Where a completion of a request ends by itself; −1 if it does not. */
export function placeOfStop(tokenIds: readonly number[], request: Stops): number {
  const watch = new StopWatch(request);
  return tokenIds.findIndex((token) => watch.endsWith(token));
}

function mapOf(pieces: StopTexts['pieces']): ReadonlyMap<number, string> {
  const known = maps.get(pieces);
  if (known) return known;
  const map = new Map(pieces);
  maps.set(pieces, map);
  return map;
}

function longest(texts: readonly string[]): number {
  return texts.reduce((most, { length }) => Math.max(most, length), 0);
}
