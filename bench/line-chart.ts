export interface Line {
  readonly name: string;
  /** In the chart's units; x from 0. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** An x that is marked by a dashed line. */
  readonly mark?: number;
}

export interface Chart {
  readonly lines: readonly Line[];
  readonly xTitle: string;
  readonly yTitle: string;
}

const [width, height, left, top, bottom] = [900, 360, 70, 20, 50];
const colours = ['#1f77b4', '#d62728'];

/** An SVG of lines over one pair of axes that begin at 0. */
export function lineChart({ lines, xTitle, yTitle }: Chart): string {
  const all = lines.flatMap(({ points }) => points);
  const xMost = all.reduce((most, [at]) => Math.max(most, at), 0);
  const yMost = niceAbove(all.reduce((most, [, value]) => Math.max(most, value), 0));
  const x = (at: number): string => (left + (at / xMost) * (width - left - 20)).toFixed(1);
  const y = (value: number): string => (height - bottom - (value / yMost) * (height - top - bottom)).toFixed(1);
  const grid = Array.from({ length: 5 }, (_, at) => (at * yMost) / 4).map(
    (value) =>
      `<line x1="${left}" x2="${width - 20}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>` +
      `<text x="${left - 8}" y="${y(value)}" text-anchor="end" dominant-baseline="middle">${value}</text>`,
  );
  const ticks = Array.from({ length: 5 }, (_, at) => (at * xMost) / 4).map(
    (at) => `<text x="${x(at)}" y="${height - bottom + 18}" text-anchor="middle">${Math.round(at)}</text>`,
  );
  const drawn = lines.map(({ name, points, mark }, at) => {
    const colour = colours[at % colours.length];
    const dashed =
      mark === undefined
        ? ''
        : `<line x1="${x(mark)}" x2="${x(mark)}" y1="${top}" y2="${height - bottom}" stroke="${colour}" stroke-dasharray="4 4"/>`;
    const path = points.map(([px, py]) => `${x(px)},${y(py)}`).join(' ');
    return (
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>${dashed}` +
      `<text x="${width - 24}" y="${height - bottom - 16 * (at + 1)}" text-anchor="end" fill="${colour}">${name}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...grid,
    ...ticks,
    ...drawn,
    `<text x="${(left + width) / 2}" y="${height - 12}" text-anchor="middle">${xTitle}</text>`,
    `<text x="16" y="${height / 2}" text-anchor="middle" transform="rotate(-90 16 ${height / 2})">${yTitle}</text>`,
    '</svg>\n',
  ].join('\n');
}

/** The next 100, 200, 400, 600, 800, 1000, 2000 … above a value, so that a quarter of it is a round number. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8, 10].find((factor) => factor * power >= value) as number) * power;
}
