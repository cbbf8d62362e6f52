import type { Watched } from './watch.ts';

const [width, height, left, top, bottom] = [900, 360, 70, 20, 50];
const colours = ['#1f77b4', '#d62728'];

/** Resident memory over time as an SVG, one line a stage; where its rows were checked and the work began is marked. */
export function plotMemory(watched: readonly Watched[]): string {
  const seconds = Math.max(...watched.map((one) => one.seconds));
  const mebibytes = niceAbove(
    watched.flatMap(({ samples }) => samples).reduce((most, { bytes }) => Math.max(most, bytes / 2 ** 20), 0),
  );
  const x = (ms: number): string => (left + (ms / 1000 / seconds) * (width - left - 20)).toFixed(1);
  const y = (bytes: number): string =>
    (height - bottom - (bytes / 2 ** 20 / mebibytes) * (height - top - bottom)).toFixed(1);
  const grid = Array.from({ length: 5 }, (_, at) => (at * mebibytes) / 4).map(
    (value) =>
      `<line x1="${left}" x2="${width - 20}" y1="${y(value * 2 ** 20)}" y2="${y(value * 2 ** 20)}" stroke="#ddd"/>` +
      `<text x="${left - 8}" y="${y(value * 2 ** 20)}" text-anchor="end" dominant-baseline="middle">${value}</text>`,
  );
  const times = Array.from({ length: 6 }, (_, at) => (at * seconds) / 5).map(
    (value) =>
      `<text x="${x(value * 1000)}" y="${height - bottom + 18}" text-anchor="middle">${Math.round(value)}</text>`,
  );
  const lines = watched.map(({ stage, samples, beganMs }, at) => {
    const points = samples.map(({ ms, bytes }) => `${x(ms)},${y(bytes)}`).join(' ');
    const colour = colours[at % colours.length];
    return (
      `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.5"/>` +
      `<line x1="${x(beganMs)}" x2="${x(beganMs)}" y1="${top}" y2="${height - bottom}" stroke="${colour}" stroke-dasharray="4 4"/>` +
      `<text x="${width - 24}" y="${top + 16 * (at + 1)}" text-anchor="end" fill="${colour}">${stage}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...grid,
    ...times,
    ...lines,
    `<text x="${(left + width) / 2}" y="${height - 12}" text-anchor="middle">seconds; dashed: rows checked, work begins</text>`,
    `<text x="16" y="${height / 2}" text-anchor="middle" transform="rotate(-90 16 ${height / 2})">resident memory, MiB</text>`,
    '</svg>\n',
  ].join('\n');
}

/** The next 100, 200, 400, 1000, 2000 … above a value, so that a quarter of it is a round number. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 10].find((factor) => factor * power >= value) as number) * power;
}
