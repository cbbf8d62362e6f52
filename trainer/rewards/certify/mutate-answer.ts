/**
 * An answer made wrong in ways in which answers are wrong: another number, another sign, ten times as much, another letter. Changes are great enough
 * to leave a tolerance, and what they would leave equal (−0, 00.5) is left out.
 *
 * @param answer as it stands in a completion
 */
export function mutations(answer: string): string[] {
  const digits = /\d+/.exec(answer);
  const changed = digits === null ? [withAnotherLetter(answer)] : numbersInstead(answer, digits.index, digits[0]);
  return changed.filter((each) => each !== answer);
}

/** @param at where its first digits are */
function numbersInstead(answer: string, at: number, digits: string): string[] {
  const [before, after] = [answer.slice(0, at), answer.slice(at + digits.length)];
  const leading = /[1-9]/.exec(answer);
  if (leading === null) return [`${before}7${after}`];
  const other = String((Number(leading[0]) % 9) + 1);
  const isNegative = /[-−]\s*$/.test(before);
  return [
    answer.slice(0, leading.index) + other + answer.slice(leading.index + 1),
    isNegative ? before.replace(/[-−]\s*$/, '') + digits + after : `${before}-${digits}${after}`,
    ...(digits.startsWith('0') ? [] : [`${before}${digits}0${after}`]),
  ];
}

/** The first letter decides where a choice is named by one. */
function withAnotherLetter(answer: string): string {
  return answer.replace(/\p{L}/u, (letter) => {
    const last = letter === letter.toLowerCase() ? 'z' : 'Z';
    return letter === last ? 'a' : /[a-zA-Y]/.test(letter) ? String.fromCharCode(letter.charCodeAt(0) + 1) : last;
  });
}
