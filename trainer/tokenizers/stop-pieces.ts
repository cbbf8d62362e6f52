/** More would be much to tell a rollout worker with every lease; texts that are part of so many tokens come soon in any case. */
const mostPieces = 20_000;

const replacement = '\u{FFFD}';

/**
 * What tokens write of which a stop text can be a part, so that it is found where it is completed, token by token.
 *
 * The text of tokens must be the texts of each in a row, but for characters that several tokens share the bytes of, which are
 * replacement characters here: a text may be missed where it has such a character.
 *
 * @param pieceOf what a token writes after others; at the beginning of a text a blank before it may be dropped
 * @param vocabularySize highest id plus one
 * @returns nothing where the texts have a place in too many tokens
 */
export function stopPieces(
  texts: readonly string[],
  pieceOf: (id: number) => string,
  vocabularySize: number,
): [id: number, text: string][] | undefined {
  if (texts.some((text) => text.includes(replacement))) return undefined;
  const pieces: [id: number, text: string][] = [];
  for (let id = 0; id < vocabularySize; id++) {
    const piece = pieceOf(id);
    if (piece !== '' && !texts.some((text) => touches(piece, text))) continue;
    pieces.push([id, piece]);
    if (pieces.length > mostPieces) return undefined;
  }
  return pieces;
}

/** Whether a text can lie in one that has the piece in it, and have some of the piece. */
function touches(piece: string, text: string): boolean {
  if (piece.includes(text) || text.includes(piece)) return true;
  for (let length = Math.min(piece.length, text.length) - 1; length > 0; length--) {
    if (piece.endsWith(text.slice(0, length)) || piece.startsWith(text.slice(-length))) return true;
  }
  return false;
}
