// The tables in docs/ name every code, limit and cap that there is, with their real defaults, and nothing else.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Engine } from 'aingle-wasm';
import { describe, expect, test } from 'vitest';
import { CODES } from '../../src/errors/codes';
import { COMPLEXITY, LIMIT_RANGES } from '../../src/options/engine';

const root = fileURLToPath(new URL('../../', import.meta.url));
const options = new Engine({ backend: 'v8' }).options;

function page(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Cells of every table row whose first cell is a name in code quotes, by that name. */
function rowsOf(text: string): Map<string, string[]> {
  const rows = [...text.matchAll(/^\| `([^`]+)` \| (.*) \|$/gm)];
  return new Map(rows.map(([, name, cells]) => [name!, cells!.split(' | ')]));
}

/** The first number of a cell. */
function numberIn(cell: string | undefined): number {
  return Number(/[\d,]+/.exec(cell ?? '')?.[0].replaceAll(',', ''));
}

describe('docs/errors.md', () => {
  const text = page('docs/errors.md');

  test('explains every code once, reserved ones by name', () => {
    const explained = [...rowsOf(text).keys()];
    const reserved = [...text.slice(text.indexOf('## Reserved')).matchAll(/`(ERR_\w+)`/g)].map(([, code]) => code!);
    expect([...explained, ...reserved].sort()).toEqual([...CODES].sort());
  });
});

describe('docs/limits.md', () => {
  const rows = rowsOf(page('docs/limits.md'));

  test.each(Object.keys(LIMIT_RANGES) as (keyof typeof LIMIT_RANGES)[])(
    'has the default and the range of %s',
    (name) => {
      const [given, range] = rows.get(`limits.${name}`) as [string, string];
      const { min, max } = LIMIT_RANGES[name];
      const known = options.limits[name];
      if (known === undefined) expect(given).toBe('none');
      else expect(numberIn(given)).toBe(known);
      expect(numberIn(range)).toBe(min);
      expect(range).toContain(max === Number.MAX_SAFE_INTEGER ? '2^53−1' : max.toLocaleString('en-US'));
    },
  );

  test('has the defaults of the engine', () => {
    expect(numberIn(rows.get('limits.instances')![0])).toBe(options.limits.instances);
    expect(numberIn(rows.get('limits.compileMs')![1])).toBe(options.limits.compileMs);
    expect(numberIn(rows.get('timeoutMs')![1])).toBe(options.timeoutMs);
    expect(numberIn(rows.get('queue')![0])).toBe(options.queue);
    expect(numberIn(rows.get('cacheSize')![0])).toBe(options.cacheSize);
    expect(numberIn(rows.get('meteringLimit')![1])).toBe(Number(options.meteringLimit));
  });

  test.each(Object.keys(COMPLEXITY) as (keyof typeof COMPLEXITY)[])('has the cap %s and its default', (name) => {
    expect(numberIn(rows.get(name)?.[0])).toBe(options.complexity[name]);
  });
});

describe('docs/platforms.md', () => {
  test('has what each backend can do', () => {
    const rows = rowsOf(page('docs/platforms.md'));
    for (const [column, backend] of (['wasmer', 'wasmi', 'v8'] as const).entries()) {
      for (const [name, has] of Object.entries(new Engine({ backend }).capabilities)) {
        expect([name, rows.get(name)?.[column]]).toEqual([name, has ? 'yes' : 'no']);
      }
    }
  });
});

describe('links between pages', () => {
  const pages = [
    'README.md',
    'SECURITY.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'examples/README.md',
    'bench/README.md',
    ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
  ];

  test.each(pages)('%s points at files and headings that exist', (from) => {
    for (const [, target] of page(from).matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const [path, anchor] = target!.split('#') as [string, string | undefined];
      const file = path === '' ? from : join(dirname(from), path);
      const anchors =
        anchor === undefined ? [] : [...page(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => slug(heading!));
      expect(existsAt(file), `${from} → ${target}`).toBe(true);
      if (anchor !== undefined) expect(anchors, `${from} → ${target}`).toContain(anchor);
    }
  });
});

function existsAt(path: string): boolean {
  const folder = join(root, dirname(path));
  return readdirSync(folder).includes(path.replace(/\/$/, '').split('/').at(-1)!);
}

/** The anchor that a heading gets on GitHub. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
