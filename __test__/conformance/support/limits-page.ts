// The tables of docs/limits.md.
import { readFileSync } from 'node:fs';

/** A row, by the names of its columns; `name` is what its first cell has in code quotes. */
export interface LimitRow {
  readonly name: string;
  readonly cells: Readonly<Record<string, string>>;
}

const text = readFileSync(new URL('../../../docs/limits.md', import.meta.url), 'utf8');

/** All rows of the page whose first column has this heading. */
export function limitRows(...headings: readonly string[]): LimitRow[] {
  return text.split('\n\n').flatMap((paragraph) => {
    const [header, , ...rows] = paragraph.split('\n').filter((line) => line.startsWith('|'));
    if (header === undefined || !headings.includes(cellsOf(header)[0]!)) return [];
    return rows.map((row) => rowOf(cellsOf(header), cellsOf(row)));
  });
}

function cellsOf(line: string): string[] {
  return line.slice(2, -2).split(' | ');
}

function rowOf(header: readonly string[], cells: readonly string[]): LimitRow {
  const name = /^`([^`]+)`$/.exec(cells[0]!)?.[1];
  if (name === undefined || cells.length !== header.length) throw new Error(`no row of a limit: ${cells}`);
  return { name, cells: Object.fromEntries(header.map((column, index) => [column, cells[index]!])) };
}
