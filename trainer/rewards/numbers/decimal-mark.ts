/** Languages that write three and a half as `3,5`. Source: CLDR, symbols of the default numbering system. */
const commaLanguages = new Set(
  (
    'af an ast az be bg br bs ca cs cv da de el es et eu fi fo fr fur fy gl hr hu hy ia id is it ka kk kl ky lb lt lv ' +
    'mk mn nb nl nn no nds os pl pt rm ro ru sc scn sk sl sq sr sv tg tk tr tt uk uz vec vi wa wo'
  ).split(' '),
);

/**
 * How decimals are written in a language. Where the mark is a comma, a point is read as well, unless groups of three
 * digits make it a thousands separator: German `3.5` is 3½, `1.234` is 1234.
 *
 * @param language ISO 639-1 code; without one the mark is a point
 */
export function decimalMark(language: string | undefined): '.' | ',' {
  return language !== undefined && commaLanguages.has(language) ? ',' : '.';
}
