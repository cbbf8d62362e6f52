import type { Token } from './tokens.ts';

/** Leaves out brackets around the whole expression, and those whose partner lies outside of it. */
export function withoutLooseBrackets(line: readonly Token[], start: number, end: number): [from: number, to: number] {
  let [from, to] = [start, end];
  for (;;) {
    const first = line[from];
    if (first?.text === '(' && line[from - 1]?.kind !== 'word') {
      const partner = partnerOf(line, from, to);
      if (partner !== undefined && partner !== to - 1) return [from, to];
      from++;
      if (partner !== undefined) to--;
    } else if (line[to - 1]?.text === ')' && opens(line, from, to) < 0) to--;
    else return [from, to];
  }
}

function partnerOf(line: readonly Token[], open: number, to: number): number | undefined {
  for (let index = open, depth = 0; index < to; index++) {
    if (line[index]?.text === '(') depth++;
    else if (line[index]?.text === ')' && --depth === 0) return index;
  }
  return undefined;
}

/** Round brackets that are opened, less those that are closed. */
function opens(line: readonly Token[], from: number, to: number): number {
  let depth = 0;
  for (let index = from; index < to; index++) {
    depth += Number(line[index]?.text === '(') - Number(line[index]?.text === ')');
  }
  return depth;
}
