// How the demo writes to the terminal: headings and aligned columns.

const INDENT = '   ';
const GAP = '   ';

export function print(line: string): void {
  console.log(line);
}

export function heading(index: number, title: string): void {
  print(`\n${bold(`${index}  ${title}`)}`);
}

/** Prints rows in aligned columns; those whose index is in `right` end in line, the others begin in line. */
export function table(rows: readonly (readonly string[])[], right: readonly number[]): void {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      right.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
    );
    print(`${INDENT}${cells.join(GAP).trimEnd()}`);
  }
}

/** Whether all of `values` are the same, as a word for the end of a row. */
export function sameOrNot(values: readonly string[]): string {
  return values.every((value) => value === values[0]) ? 'equal' : 'DIFFERENT';
}

/** An integer with commas between thousands. */
export function count(value: number | bigint): string {
  return value.toLocaleString('en-US');
}

export function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function bold(text: string): string {
  return process.stdout.isTTY ? `\x1b[1m${text}\x1b[22m` : text;
}
