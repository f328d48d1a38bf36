// Finds and loads the native addon: a file given by name, else a build in this checkout or bundled with the package, else the platform's
// package.
import { existsSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { version } from '../version';
import type { LoadAttempt, LoadResult } from './backend';
import { explain } from './explain';
import { requireWhole } from './library-file';
import type { Binding } from './native/binding';
import { nativeFactories } from './native/factory';
import { cLibrary, oldArm } from './platform';
import { platformPackage } from './platform-package';

/** Names a file to load instead of looking for one. */
const VARIABLE = 'AINGLE_WASM_NATIVE_PATH';

/** Below it are `build/Release` of a checkout and `prebuilds` of a bundle; the same from `src/backend` and from `dist/backend`. */
const BUILDS = join(__dirname, '..', '..', 'crates', 'node');

/** A place where the addon may be. */
interface Place {
  /** What it is called in messages, without directories of this machine. */
  readonly name: string;
  /** The addon's file. Throws what is in the way, in words for the user. */
  find(): string;
}

let loaded: LoadResult | undefined;

/**
 * The native backends if they can be loaded here, with what was tried before them. Loads once and never throws: each failure is an
 * attempt with its reason.
 */
export function loadNative(): LoadResult {
  loaded ??= tryAll(places());
  return loaded;
}

/** A file given by name is meant: nothing else is tried then. */
function places(): readonly Place[] {
  const given = process.env[VARIABLE];
  if (given !== undefined && given !== '') return [{ name: basename(given), find: () => existing(given) }];
  return [
    { name: 'local build', find: localBuild },
    { name: 'platform package', find: platformPackage },
  ];
}

function existing(path: string): string {
  if (!existsSync(path)) throw new Error(`there is no such file; ${VARIABLE} names it`);
  return path;
}

function tryAll(tried: readonly Place[]): LoadResult {
  const obstacle = oldArm();
  if (obstacle !== undefined) return { factories: [], attempts: [{ source: process.arch, reason: obstacle }] };
  const attempts: LoadAttempt[] = [];
  for (const { name, find } of tried) {
    let path: string | undefined;
    try {
      path = find();
      const { factories, refused } = nativeFactories(open(path), nameOf(path));
      return { factories, attempts: [...attempts, ...refused] };
    } catch (error) {
      attempts.push({ source: path === undefined ? name : nameOf(path), reason: explain(error, path) });
      if (isForbidden(error)) break;
    }
  }
  return { factories: [], attempts };
}

/** Builds are named by their path below the package, so that a local one and a bundled one can be told apart. */
function nameOf(path: string): string {
  return path.startsWith(BUILDS) ? relative(BUILDS, path).split(sep).join('/') : basename(path);
}

/** No other file would be loaded either. */
function isForbidden(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED';
}

/** What node-gyp-build says when it finds nothing are the folders it has searched, which are of no use to the user. */
function localBuild(): string {
  const { resolve } = withHints(() => require('node-gyp-build') as { resolve(folder: string): string });
  try {
    return resolve(BUILDS);
  } catch {
    throw new Error('none is there');
  }
}

/**
 * node-gyp-build reads these variables when it is first loaded. It knows musl on Alpine only, and takes the ARM version that Node was
 * built for as the processor's.
 */
function withHints<T>(load: () => T): T {
  const hints = { LIBC: cLibrary().libc, ...(process.arch === 'arm' && { ARM_VERSION: '7' }) };
  const names = Object.keys(hints);
  const before = names.map((name) => process.env[name]);
  setVariables(names, Object.values(hints));
  try {
    return load();
  } finally {
    setVariables(names, before);
  }
}

function setVariables(names: readonly string[], values: readonly (string | undefined)[]): void {
  names.forEach((name, index) => {
    const value = values[index];
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  });
}

/** Loads a file as an addon whatever its name is, and refuses one of another release. */
function open(path: string): Binding {
  const module = { exports: {} as Partial<Binding> };
  if (process.platform === 'linux') requireWhole(path);
  process.dlopen(module, path);
  const found = module.exports.version?.();
  if (found !== version) {
    throw new Error(`it is of version ${found ?? 'unknown'}, not ${version}: install both from one release`);
  }
  return module.exports as Binding;
}
