// The price list in its quick form: every row runs on every backend and is printed. What the figures are is not tested.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const SIZES = ['64 B', '1 KiB', '64 KiB', '1 MiB'];
const KERNELS = 17;
const PROGRAMS = 8;

/** Chapters and what their rows are called; a number where only their count matters. */
const CHAPTERS: Readonly<Record<string, readonly (string | RegExp)[] | number>> = {
  'callRaw, bytes ABI': SIZES,
  'callRaw, envelope ABI': SIZES,
  'callSync, envelope ABI': SIZES,
  exports: ['(i32, i32) → i32'],
  'host call': ['(i32) → i32', 'a few bytes, envelope'],
  'async call': ['one at a time', '64 in flight'],
  prepare: [/^echo, \d+ KiB$/, /^summary, \d+ KiB$/, /^libdeflate, \d+ KiB$/],
  compile: [/^echo, \d+ KiB$/, /^summary, \d+ KiB$/, /^libdeflate, \d+ KiB$/],
  instantiate: ['one page', '1 MiB of data', 'kernel sha256', 'echo, guest kit'],
  'compute, real programs': PROGRAMS + 2,
  'compute, kernels': KERNELS + 2,
  memory: ['a live instance', 'a call'],
  'event loop': ['100 spinning guests'],
  deadline: [
    ...['br', 'nested', 'sequential', 'br_table', 'fill'].map((shape) => `${shape}, invoke`),
    'guest kit, call',
    'guest kit, callSync',
  ],
  cores: ['two threads'],
};

describe('npm run bench', () => {
  let chapters: Map<string, string[][]>;
  let text: string;

  beforeAll(async () => {
    const args = ['--expose-gc', '--import', 'tsx', 'bench/main.ts', '--quick'];
    text = (await promisify(execFile)(process.execPath, args, { cwd: root })).stdout;
    chapters = readChapters(text);
  });

  test('prints every chapter', () => {
    expect([...chapters.keys()]).toEqual(Object.keys(CHAPTERS));
  });

  test.each(Object.entries(CHAPTERS))('prints the rows of "%s"', (name, rows) => {
    const printed = chapters
      .get(name)!
      .slice(1)
      .map(([what]) => what!);
    if (typeof rows === 'number') expect(printed).toHaveLength(rows);
    else expect(printed).toEqual(rows.map((row) => (typeof row === 'string' ? row : expect.stringMatching(row))));
  });

  test('measures both backends in every chapter; cores only where guests leave the thread', () => {
    for (const [name, [header]] of chapters) {
      expect(header).toEqual(expect.arrayContaining(name === 'cores' ? ['wasmer'] : ['wasmer', 'v8']));
    }
  });

  test('prints numbers only, and judges none of them', () => {
    expect(text).not.toMatch(/NaN|Infinity|undefined|[✓✗]/);
    expect(text).toContain('The figures mean nothing');
  });
});

/** The cells of each chapter's table by its heading; the header is the first row. */
function readChapters(text: string): Map<string, string[][]> {
  const chapters = new Map<string, string[][]>();
  for (const part of text.split('\n### ').slice(1)) {
    const lines = part.split('\n').filter((line) => line.startsWith('|') && !line.startsWith('| -'));
    const rows = lines.map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    chapters.set(part.slice(0, part.indexOf('\n')), rows);
  }
  return chapters;
}
