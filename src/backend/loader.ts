// Finds and loads the native addon.
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { LoadAttempt, LoadResult } from './backend';
import type { Binding } from './native/binding';
import { nativeFactories } from './native/factory';

/** Names a file to load instead of looking for one. */
const VARIABLE = 'AINGLE_WASM_NATIVE_PATH';

/** Where `scripts/build-addon.mjs` lays what it builds; the same from `src/backend` and from `dist/backend`. */
const LOCAL_BUILD = join(__dirname, '..', '..', 'crates', 'node');

let loaded: LoadResult | undefined;

/**
 * The native backends if they can be loaded here, with what was tried before it. Loads once and never throws: each failure is an
 * attempt with its reason.
 */
export function loadNative(): LoadResult {
  loaded ??= tryAll(candidates());
  return loaded;
}

/** A path given by name is meant: nothing else is tried then. */
function candidates(): readonly string[] {
  const given = process.env[VARIABLE];
  if (given !== undefined && given !== '') return [given];
  const platform = `${process.platform}-${process.arch}`;
  const names = process.platform === 'linux' ? [platform, `${platform}-musl`] : [platform];
  return names.map((name) => join(LOCAL_BUILD, `aingle_wasm.${name}.node`));
}

function tryAll(paths: readonly string[]): LoadResult {
  const attempts: LoadAttempt[] = [];
  for (const path of paths) {
    const source = basename(path);
    try {
      if (!existsSync(path)) throw new Error('there is no such file; it is built by "node scripts/build-addon.mjs"');
      return { factories: nativeFactories(open(path), source), attempts };
    } catch (error) {
      attempts.push({ source, reason: reasonOf(error, path) });
    }
  }
  return { factories: [], attempts };
}

/** Loads an addon without `require`, which is not there in every module system this file is compiled for. */
function open(path: string): Binding {
  const module = { exports: {} };
  process.dlopen(module, path);
  return module.exports as Binding;
}

/** What the platform's loader says, without the directories of this machine. */
function reasonOf(error: unknown, path: string): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(path, basename(path));
}
