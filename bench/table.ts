// A chapter as a table: aligned for the terminal, and good Markdown at the same time.
import { geometricMean } from './measure';
import type { Chapter, Price, Target } from './price-list';

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
    amount(price.ns[chapter.peer], price),
    ...contenders.flatMap((name) => contenderCells(chapter.peer, price, name)),
  ]);
  return withoutEmptyColumns([header, ...rows, ...overallRows(chapter, contenders)]);
}

/** The subjects other than the peer, in the order they were measured. */
function contendersOf({ peer, prices }: Chapter): string[] {
  return [...new Set(prices.flatMap(({ ns }) => Object.keys(ns)))].filter((name) => name !== peer);
}

function contenderCells(peer: string, price: Price, name: string): [string, string, string] {
  const ns = price.ns[name];
  const base = price.ns[peer];
  const ratio = ns === undefined || base === undefined ? undefined : ns / base;
  return [
    amount(ns, price),
    ratio === undefined ? '' : ratioText(ratio),
    targetText(price.targets[name], { ns, ratio, price }),
  ];
}

/** The geometric mean and the worst of the ratios, where a chapter asks for them. */
function overallRows(chapter: Chapter, contenders: readonly string[]): string[][] {
  if (chapter.overall === undefined) return [];
  const row = (label: string, of: (ratios: number[]) => number, which: 'mean' | 'worst') => [
    label,
    '',
    ...contenders.flatMap((name) => {
      const ratio = of(chapter.prices.map(({ ns }) => ns[name]! / ns[chapter.peer]!));
      const target = chapter.overall?.[name]?.[which];
      return ['', ratioText(ratio), target === undefined ? '' : verdict(ratio <= target, `≤ ${ratioText(target)}`)];
    }),
  ];
  return [row('geometric mean', geometricMean, 'mean'), row('worst', (ratios) => Math.max(...ratios), 'worst')];
}

function targetText(
  target: Target | undefined,
  { ns, ratio, price }: { ns: number | undefined; ratio: number | undefined; price: Price },
): string {
  if (target === undefined || ns === undefined) return '';
  if ('ratio' in target) return verdict(ratio !== undefined && ratio <= target.ratio, `≤ ${ratioText(target.ratio)}`);
  const sign = price.bytes === undefined ? '≤' : '≥';
  return verdict(ns <= target.ns, `${sign} ${amount(target.ns, price)}`);
}

function verdict(met: boolean, text: string): string {
  return `${text} ${met ? MET : MISSED}`;
}

function ratioText(ratio: number): string {
  return `${significant(ratio)} ×`;
}

/** A time, or for rows that go through bytes a speed. */
function amount(ns: number | undefined, { bytes }: Pick<Price, 'bytes'>): string {
  if (ns === undefined) return '–';
  if (bytes !== undefined) return `${significant((bytes * 1_000) / ns)} MB/s`;
  if (ns < 1_000) return `${significant(ns)} ns`;
  if (ns < 1_000_000) return `${significant(ns / 1_000)} µs`;
  return `${significant(ns / 1_000_000)} ms`;
}

/** Three significant digits, without an exponent. */
function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
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
