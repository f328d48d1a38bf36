// Chooses the backend of an engine.
import { createError, invalidValue } from '../errors/error';
import { quoteAll } from '../errors/text';
import type { BackendKind } from '../types';
import type { BackendFactory, LoadAttempt } from './backend';
import { loadNative } from './loader';
import { v8Factory } from './v8/factory';

/** Overrides `backend: 'auto'`, and nothing else. */
const VARIABLE = 'AINGLE_WASM_BACKEND';
const KINDS: readonly string[] = ['auto', 'wasmer', 'wasmi', 'v8'];

export interface Selection {
  readonly factory: BackendFactory;
  /** What was tried before it and why that is not used. */
  readonly attempts: readonly LoadAttempt[];
}

let warned = false;

/**
 * The backend asked for; for `'auto'` the native one where it loads, else v8.
 *
 * Warns once with the code `AINGLE_WASM_FALLBACK` if `'auto'` leads to v8.
 *
 * @throws `ERR_ENGINE_UNAVAILABLE` with what was tried, `ERR_INVALID_ARG_VALUE` for an unknown word in `AINGLE_WASM_BACKEND`
 */
export function selectBackend(asked: 'auto' | BackendKind): Selection {
  const wanted = asked === 'auto' ? fromEnvironment() : asked;
  if (wanted === 'v8') return fallback(wanted, []);
  const { factories, attempts } = loadNative();
  const factory = wanted === 'auto' ? factories[0] : factories.find(({ kind }) => kind === wanted);
  if (factory !== undefined) return { factory, attempts };
  if (wanted !== 'auto') throw unavailable(wanted, [...attempts, ...otherEngines(factories, wanted)]);
  const selection = fallback(wanted, attempts);
  warnOnce(attempts);
  return selection;
}

/** V8's own WebAssembly, which Node can be started without. */
function fallback(wanted: string, attempts: readonly LoadAttempt[]): Selection {
  if (typeof WebAssembly !== 'undefined') return { factory: v8Factory, attempts };
  const reason = 'this process has no WebAssembly: start Node without --jitless';
  throw unavailable(wanted, [...attempts, { source: v8Factory.source, reason }]);
}

/** Nothing is wrong, but guests run on the caller's thread: worth one line on each thread that makes an engine. */
function warnOnce(attempts: readonly LoadAttempt[]): void {
  if (warned) return;
  warned = true;
  const tried = attempts.map(({ source, reason }) => `${source}: ${reason}`).join('; ');
  process.emitWarning(`no native backend can run here, guests run on V8 and on the thread that calls them (${tried})`, {
    type: 'AingleWasmWarning',
    code: 'AINGLE_WASM_FALLBACK',
  });
}

function unavailable(backend: string, attempts: readonly LoadAttempt[]): Error {
  return createError('ERR_ENGINE_UNAVAILABLE', 'load', { backend, attempts });
}

function otherEngines(factories: readonly BackendFactory[], wanted: BackendKind): LoadAttempt[] {
  return factories.map(({ source, kind }) => ({ source, reason: `it contains ${kind}, not ${wanted}` }));
}

function fromEnvironment(): 'auto' | BackendKind {
  const value = process.env[VARIABLE];
  if (value === undefined || value === '') return 'auto';
  if (!KINDS.includes(value)) throw invalidValue(VARIABLE, `allowed are ${quoteAll(KINDS)}`, value);
  return value as 'auto' | BackendKind;
}
