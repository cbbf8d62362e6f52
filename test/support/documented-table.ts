import { readFileSync, writeFileSync } from 'node:fs';

/**
 * The cells of the first table below a heading of a page; `R1_UPDATE_GOLDEN=1` writes them first.
 *
 * @param rows what they shall be, without the table's head
 */
export function documentedTable(page: string, heading: string, rows: readonly (readonly string[])[]): string[][] {
  const lines = readFileSync(page, 'utf8').split('\n');
  const rule = lines.findIndex((line, at) => at > lines.indexOf(heading) && /^\|[ :|-]+\|$/.test(line));
  const end = lines.findIndex((line, at) => at > rule && !line.startsWith('|'));
  if (process.env['R1_UPDATE_GOLDEN'] === '1') {
    const written = rows.map((cells) => `| ${cells.join(' | ')} |`);
    writeFileSync(page, lines.toSpliced(rule + 1, end - rule - 1, ...written).join('\n'));
    return cellsOf(written);
  }
  return cellsOf(lines.slice(rule + 1, end));
}

function cellsOf(lines: readonly string[]): string[][] {
  return lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}
