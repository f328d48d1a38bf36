// A chapter as a table: aligned for the terminal, and good Markdown at the same time.
import { geometricMean } from './measure';
import type { Chapter, Price, Target, Unit } from './price-list';

const MET = '✓';
const MISSED = '✗';

/** Heading, a sentence and the table of a chapter. `judged`: targets say whether they are met. */
export function chapterText(chapter: Chapter, judged: boolean): string {
  const text = `### ${chapter.name}\n\n${chapter.about}\n\n${aligned(tableRows(chapter))}\n`;
  return judged ? text : text.replace(new RegExp(` [${MET}${MISSED}]`, 'g'), '  ');
}

function tableRows(chapter: Chapter): string[][] {
  const contenders = contendersOf(chapter);
  const header = ['', chapter.peer, ...contenders.flatMap((name) => [name, 'ratio', 'target'])];
  const rows = chapter.prices.map((price) => [
    price.what,
    amount(price.values[chapter.peer], price.unit),
    ...contenders.flatMap((name) => contenderCells(chapter.peer, price, name)),
  ]);
  return withoutEmptyColumns([header, ...rows, ...overallRows(chapter, contenders)]);
}

/** The subjects other than the peer, in the order they were measured. */
function contendersOf({ peer, prices }: Chapter): string[] {
  return [...new Set(prices.flatMap(({ values }) => Object.keys(values)))].filter((name) => name !== peer);
}

function contenderCells(peer: string, price: Price, name: string): [string, string, string] {
  const value = price.values[name];
  const ratio = ratioTo(peer, price, name);
  const target = value === undefined ? '' : targetText(price.targets[name], value, ratio, price.unit);
  return [amount(value, price.unit), ratio === undefined ? '' : ratioText(ratio), target];
}

/** How many times the peer's price; above 1 is worse, whatever the unit. A factor is such a ratio already. */
function ratioTo(peer: string, { values, unit }: Price, name: string): number | undefined {
  const [value, base] = [values[name], values[peer]];
  if (unit === '×' || value === undefined || base === undefined || value <= 0 || base <= 0) return undefined;
  return isMoreBetter(unit) ? base / value : value / base;
}

function isMoreBetter(unit: Unit): boolean {
  return unit === 'MB/s' || unit === '×';
}

/** The geometric mean and the worst of the ratios, where a chapter asks for them. */
function overallRows(chapter: Chapter, contenders: readonly string[]): string[][] {
  if (chapter.overall === undefined) return [];
  const row = (label: string, of: (ratios: number[]) => number, which: 'mean' | 'worst') => [
    label,
    '',
    ...contenders.flatMap((name) => {
      const ratio = of(chapter.prices.map((price) => ratioTo(chapter.peer, price, name)!));
      const target = chapter.overall?.[name]?.[which];
      return ['', ratioText(ratio), target === undefined ? '' : verdict(ratio <= target, `≤ ${ratioText(target)}`)];
    }),
  ];
  return [row('geometric mean', geometricMean, 'mean'), row('worst', (ratios) => Math.max(...ratios), 'worst')];
}

function targetText(target: Target | undefined, value: number, ratio: number | undefined, unit: Unit): string {
  if (target === undefined) return '';
  if ('ratio' in target) return verdict(ratio !== undefined && ratio <= target.ratio, `≤ ${ratioText(target.ratio)}`);
  return isMoreBetter(unit)
    ? verdict(value >= target.value, `≥ ${amount(target.value, unit)}`)
    : verdict(value <= target.value, `≤ ${amount(target.value, unit)}`);
}

function verdict(met: boolean, text: string): string {
  return `${text} ${met ? MET : MISSED}`;
}

function ratioText(ratio: number): string {
  return `${significant(ratio)} ×`;
}

/** Units and the factor between them and the next, smallest first. */
const SCALES: Readonly<Record<Unit, readonly (readonly [string, number])[]>> = {
  ns: [
    ['ns', 1_000],
    ['µs', 1_000],
    ['ms', 1_000],
    ['s', Infinity],
  ],
  B: [
    ['B', 1_024],
    ['KiB', 1_024],
    ['MiB', Infinity],
  ],
  'MB/s': [['MB/s', Infinity]],
  '×': [['×', Infinity]],
};

function amount(value: number | undefined, unit: Unit): string {
  if (value === undefined) return '–';
  let rest = value;
  for (const [name, next] of SCALES[unit]) {
    if (Math.abs(rest) < next) return `${significant(rest)} ${name}`;
    rest /= next;
  }
  throw new Error(`${value} is no number`);
}

/** Three significant digits, without an exponent. */
function significant(value: number): string {
  const size = Math.abs(value);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function withoutEmptyColumns(rows: readonly string[][]): string[][] {
  const [, ...body] = rows;
  const kept = rows[0]!.map((_, column) => column === 0 || body.some((row) => row[column] !== ''));
  return rows.map((row) => row.filter((_, column) => kept[column]));
}

/** A Markdown table: the first column to the left, the others to the right. */
function aligned([header, ...rows]: readonly string[][]): string {
  const widths = header!.map((_, column) => Math.max(...[header!, ...rows].map((row) => row[column]!.length), 3));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(header!), rule, ...rows.map(line)].join('\n');
}
