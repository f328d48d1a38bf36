// The JavaScript programs in docs/ and the README: each runs as it stands, and prints what it says behind `// →`.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((page) => join('docs', page))];

interface Program {
  /** The heading it stands under. */
  readonly title: string;
  readonly source: string;
  readonly prints: readonly string[];
}

/** Whole programs only: fragments do not import the package. */
function programsOf(page: string): Program[] {
  const text = readFileSync(join(root, page), 'utf8');
  const blocks = [...text.matchAll(/^```js\n(.*?)^```$/gms)];
  return blocks
    .filter(([, source]) => source!.includes("from 'aingle-wasm'"))
    .map(({ 1: source, index }) => ({
      title: [...text.slice(0, index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? page,
      source: source!,
      prints: [...source!.matchAll(/^\/\/ → (.*)$/gm)].map(([, line]) => line!),
    }));
}

describe.each(pages.filter((page) => programsOf(page).length > 0))('%s', (page) => {
  test.each(programsOf(page))('$title', async ({ source, prints }) => {
    const args = ['--input-type=module', '--eval', source];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root });
    expect(stderr).toBe('');
    if (prints.length > 0) expect(stdout.trimEnd().split('\n')).toEqual(prints);
    else expect(stdout).not.toBe('');
  });
});

test('the cookbook has programs', () => {
  expect(programsOf('docs/cookbook.md').length).toBeGreaterThanOrEqual(10);
});
