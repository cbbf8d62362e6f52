import Table from 'cli-table3';
import { styleText } from 'node:util';

const nothing = '';

/** No lines between cells, two blanks between columns: the look of kubectl. */
const plain = {
  top: nothing,
  'top-mid': nothing,
  'top-left': nothing,
  'top-right': nothing,
  bottom: nothing,
  'bottom-mid': nothing,
  'bottom-left': nothing,
  'bottom-right': nothing,
  left: nothing,
  'left-mid': nothing,
  mid: nothing,
  'mid-mid': nothing,
  right: nothing,
  'right-mid': nothing,
  middle: '  ',
};

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** A table as text, without a line break at its end. Missing values are shown as `-`. */
export function table(columns: readonly Column[], rows: readonly (readonly (string | undefined)[])[]): string {
  const drawn = new Table({
    head: columns.map(({ title }) => title),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: plain,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  for (const row of rows) drawn.push(row.map((cell) => cell ?? '-'));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Colours a state for a terminal; plain text when stdout is none or NO_COLOR is set. */
export function colourState(state: string, stream: NodeJS.WriteStream = process.stdout): string {
  const colour = (
    {
      Succeeded: 'green',
      Failed: 'red',
      Running: 'cyan',
      Suspended: 'yellow',
      Retrying: 'yellow',
      'Waiting for a person': 'yellow',
    } as const
  )[state];
  return colour === undefined ? state : styleText(colour, state, { stream });
}
