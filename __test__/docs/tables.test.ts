// The tables in docs/ name every code, limit and cap that there is, with their real defaults, and nothing else.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Engine } from 'aingle-wasm';
import { describe, expect, test } from 'vitest';
import { CODES } from '../../src/errors/codes';
import { COMPLEXITY, LIMIT_RANGES } from '../../src/options/engine';
import { limitRows } from '../conformance/support/limits-page';

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
  const cells = new Map(limitRows('option', 'cap').map((row) => [row.name, row.cells]));
  const given = (name: string) => numberIn(cells.get(name)?.default);

  test.each(Object.keys(LIMIT_RANGES) as (keyof typeof LIMIT_RANGES)[])(
    'has the default and the range of %s',
    (name) => {
      const { min, max } = LIMIT_RANGES[name];
      const { default: absent, range } = cells.get(`limits.${name}`)!;
      const known = options.limits[name];
      if (known === undefined) expect(absent).toBe('none');
      else expect(numberIn(absent)).toBe(known);
      expect(numberIn(range)).toBe(min);
      expect(range).toContain(max === Number.MAX_SAFE_INTEGER ? '2^53−1' : max.toLocaleString('en-US'));
    },
  );

  test('has the defaults of the engine', () => {
    const { limits, timeoutMs, queue, cacheSize, meteringLimit } = options;
    expect(given('limits.instances')).toBe(limits.instances);
    expect(given('limits.compileMs')).toBe(limits.compileMs);
    expect(given('timeoutMs')).toBe(timeoutMs);
    expect(given('queue')).toBe(queue);
    expect(given('cacheSize')).toBe(cacheSize);
    expect(given('meteringLimit')).toBe(Number(meteringLimit));
  });

  test('has every limit', () => {
    const named = Object.keys(options.limits).map((name) => `limits.${name}`);
    expect([...cells.keys()]).toEqual(expect.arrayContaining([...named, 'threads']));
  });

  test.each(Object.keys(COMPLEXITY) as (keyof typeof COMPLEXITY)[])('has the cap %s and its default', (name) => {
    expect(given(name)).toBe(options.complexity[name]);
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
