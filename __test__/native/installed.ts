// The package laid out as npm would install it, in a folder of its own, with the addon where a test wants it.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ADDON = join(root, 'crates', 'node', 'build', 'Release', 'aingle_wasm.node');
const LOADER = dirname(createRequire(import.meta.url).resolve('node-gyp-build/package.json'));

/** The addon of this checkout, changed. */
export type Change = (addon: Buffer) => Buffer;

export interface Layout {
  /** Path below `crates/node` of a build or prebuild, and how it differs. */
  readonly builds?: Readonly<Record<string, Change>>;
  /** Platform packages by the end of their name. */
  readonly packages?: Readonly<Record<string, Change>>;
  /** What the package takes for its own version. */
  readonly version?: string;
  /** Without the one dependency. */
  readonly withoutLoader?: boolean;
}

/** Lays the package out below `folder` and returns its entry. */
export function install(folder: string, layout: Layout): string {
  const main = join(folder, 'node_modules', 'aingle-wasm');
  for (const name of ['dist', 'index.js', 'index.mjs', 'package.json']) {
    cpSync(join(root, name), join(main, name), { recursive: true });
  }
  if (layout.version !== undefined) {
    writeFileSync(join(main, 'dist', 'version.js'), `exports.version = '${layout.version}';\n`);
  }
  if (!layout.withoutLoader) {
    cpSync(LOADER, join(folder, 'node_modules', 'node-gyp-build'), { recursive: true });
  }
  for (const [path, change] of Object.entries(layout.builds ?? {})) write(join(main, 'crates', 'node', path), change);
  for (const [name, change] of Object.entries(layout.packages ?? {})) {
    const home = join(folder, 'node_modules', '@aingle-wasm', `binding-${name}`);
    const file = `aingle_wasm.${name}.node`;
    write(join(home, file), change);
    writeFileSync(join(home, 'package.json'), JSON.stringify({ name: `@aingle-wasm/binding-${name}`, main: file }));
  }
  return join(main, 'index.mjs');
}

function write(path: string, change: Change): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, change(readFileSync(ADDON)));
}

/** A folder that is gone when the test file ends. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'aingle-wasm-installed-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** As it is. */
export const intact: Change = (addon) => addon;

/** Cut off in the middle, as by a full disk. */
export const truncated: Change = (addon) => addon.subarray(0, 4096);

/** Not a library at all. */
export const text: Change = () => Buffer.from('not an addon');

/** For another processor, by the field `e_machine` of its header. */
export const foreign: Change = (addon) => {
  const copy = Buffer.from(addon);
  const [x64, arm64] = [62, 183];
  copy.writeUInt16LE(copy.readUInt16LE(18) === x64 ? arm64 : x64, 18);
  return copy;
};

/** In need of a C library that is not made yet: the newest version that it names becomes 2.99. */
export const demanding: Change = (addon) => {
  const copy = Buffer.from(addon);
  const versions = [...copy.toString('latin1').matchAll(/GLIBC_2\.(\d\d)\0/g)];
  const newest = versions.reduce((a, b) => (Number(a[1]) > Number(b[1]) ? a : b));
  copy.write('99', newest.index + 'GLIBC_2.'.length);
  return copy;
};
