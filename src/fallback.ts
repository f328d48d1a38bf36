// `prepare` and the codec as WebAssembly, built from crates/fallback. Compiled on first use, on this thread.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModuleInfoJson } from './backend/backend';
import type { ErrorCode, Phase } from './errors/codes';
import { AingleWasmError, createError } from './errors/error';
import type { Details } from './errors/messages';
import type { FunctionType } from './types';

const FILE = 'fallback.wasm';

/** An instance whose memory has grown beyond this is dropped after use: WebAssembly memory never shrinks. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024;

interface Exports {
  readonly memory: WebAssembly.Memory;
  allocate(len: number): number;
  release(ptr: number, len: number): void;
  prepare(wasm: number, wasmLen: number, config: number, configLen: number): number;
  offset_map(wasm: number, wasmLen: number, config: number, configLen: number): number;
  bridge(calls: number, type: number, typeLen: number): number;
  encode(payload: number, len: number, flags: number, compress: number): number;
  decode(envelope: number, len: number, maxBytes: number): number;
  answer_refused(answer: number): number;
  answer_part(answer: number, index: number): number;
  answer_part_len(answer: number, index: number): number;
  answer_release(answer: number): void;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
let compiled: WebAssembly.Module | undefined;
let kept: Exports | undefined;

/**
 * Validates and rewrites a module.
 *
 * @param config the JSON of `PrepareConfig`
 * @throws what `prepare` refuses the module with
 */
export function prepareModule(wasm: Uint8Array, config: string): { bytes: Uint8Array; info: ModuleInfoJson } {
  const [bytes, info] = ofModule('prepare', wasm, config);
  return { bytes, info: JSON.parse(decoder.decode(info)) };
}

/**
 * The way from what {@link prepareModule} makes of the same arguments back to `wasm`, as little-endian words of `OffsetMap::words`.
 *
 * @throws what `prepare` refuses the module with
 */
export function offsetWords(wasm: Uint8Array, config: string): ArrayBuffer {
  return ofModule('offset_map', wasm, config)[0].buffer as ArrayBuffer;
}

/** Runs an operation on a module and the JSON of a configuration. */
function ofModule(operation: 'prepare' | 'offset_map', wasm: Uint8Array, config: string): [Uint8Array, Uint8Array] {
  return use('compile', (exports) => {
    const [module, options] = [give(exports, wasm), give(exports, encoder.encode(config))];
    const answer = exports[operation](module.ptr, module.len, options.ptr, options.len);
    const parts = take(exports, 'compile', answer);
    for (const { ptr, len } of [module, options]) exports.release(ptr, len);
    return parts;
  });
}

/** A module between the host and functions that references stand for; `calls` asks for one that calls them. */
export function bridgeModule(calls: boolean, type: FunctionType): Uint8Array {
  return use('link', (exports) => {
    const { ptr, len } = give(exports, encoder.encode(JSON.stringify(type)));
    const [module] = take(exports, 'link', exports.bridge(Number(calls), ptr, len));
    exports.release(ptr, len);
    return module;
  });
}

/** The envelope of a payload, compressed if that is asked for, worth it and smaller. */
export function encodeEnvelope(payload: Uint8Array, flags: number, compress: boolean): Uint8Array {
  return use('decode', (exports) => {
    const { ptr, len } = give(exports, payload);
    const [envelope] = take(exports, 'decode', exports.encode(ptr, len, flags, Number(compress)));
    exports.release(ptr, len);
    return envelope;
  });
}

/** The payload of an envelope, decompressed, of at most `maxBytes`. */
export function decodeEnvelope(envelope: Uint8Array, maxBytes: number): Uint8Array {
  return use('decode', (exports) => {
    const { ptr, len } = give(exports, envelope);
    const [payload] = take(exports, 'decode', exports.decode(ptr, len, maxBytes));
    exports.release(ptr, len);
    return payload;
  });
}

/** Runs an operation. Whatever ends it early drops the instance, which may hold half-freed memory or have panicked. */
function use<T>(phase: Phase, operation: (exports: Exports) => T): T {
  const exports = kept ?? instantiate();
  kept = undefined;
  try {
    const result = operation(exports);
    if (exports.memory.buffer.byteLength <= MAX_KEPT_BYTES) kept = exports;
    return result;
  } catch (error) {
    if (error instanceof AingleWasmError) throw error;
    throw createError('ERR_INTERNAL', phase, { reason: `the fallback failed: ${error}` }, error);
  }
}

function instantiate(): Exports {
  compiled ??= new WebAssembly.Module(readBlob());
  return new WebAssembly.Instance(compiled).exports as unknown as Exports;
}

function readBlob(): Uint8Array {
  try {
    return readFileSync(join(__dirname, FILE));
  } catch (error) {
    const attempts = [{ source: FILE, reason: 'the file cannot be read from the package' }];
    throw createError('ERR_ENGINE_UNAVAILABLE', 'load', { backend: 'v8', attempts }, error);
  }
}

/** Copies an argument into the instance's memory. */
function give(exports: Exports, bytes: Uint8Array): { ptr: number; len: number } {
  const ptr = exports.allocate(bytes.length) >>> 0;
  if (ptr === 0)
    throw createError('ERR_OUT_OF_MEMORY', 'compile', { resource: 'the fallback', limit: 0, value: bytes.length });
  new Uint8Array(exports.memory.buffer).set(bytes, ptr);
  return { ptr, len: bytes.length };
}

/** Copies both parts of an answer out of the instance's memory, or throws the refusal it is. */
function take(exports: Exports, phase: Phase, answer: number): [Uint8Array, Uint8Array] {
  const part = (index: number) => {
    const ptr = exports.answer_part(answer, index) >>> 0;
    return new Uint8Array(exports.memory.buffer).slice(ptr, ptr + exports.answer_part_len(answer, index));
  };
  const parts: [Uint8Array, Uint8Array] = [part(0), part(1)];
  const refused = exports.answer_refused(answer) === 1;
  exports.answer_release(answer);
  if (!refused) return parts;
  const { code, details } = JSON.parse(decoder.decode(parts[0])) as { code: ErrorCode; details: Details };
  throw createError(code, phase, details);
}
