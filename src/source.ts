// Where a module's bytes come from: given, a file, or text that is assembled.
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalidType, invalidValue } from './errors/error';
import { safeText } from './errors/text';

const TEXT_EXTENSION = '.wat';
const TYPES = 'a Uint8Array or an ArrayBuffer';
/** What `engine.compile` takes, in words. */
export const SOURCE_TYPES = `${TYPES}, a path or a file: URL`;

/**
 * The bytes given: a view, not a copy.
 *
 * @throws `ERR_INVALID_ARG_TYPE`
 */
export function givenBytes(option: string, source: unknown, allowed = TYPES): Uint8Array {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  throw invalidType(option, allowed, source);
}

/** Whether a source names a file instead of being the bytes. */
export function isPath(source: unknown): source is string | URL {
  return typeof source === 'string' || source instanceof URL;
}

/**
 * The bytes of the module in a file. One that ends in `.wat` is assembled, for which the package `wabt` must be installed.
 *
 * @throws `ERR_INVALID_ARG_VALUE`, and the file system's own errors
 */
export async function loadFile(source: string | URL): Promise<Uint8Array> {
  const path = typeof source === 'string' ? source : filePath(source);
  const bytes = await readFile(path);
  return extname(path) === TEXT_EXTENSION ? assemble(path, bytes) : bytes;
}

function filePath(url: URL): string {
  if (url.protocol !== 'file:')
    throw invalidValue('source', 'only file: URLs are read; fetch others yourself', url.href);
  return fileURLToPath(url);
}

async function assemble(path: string, text: Uint8Array): Promise<Uint8Array> {
  const { default: load } = await import('wabt').catch(() => {
    throw invalidValue('source', `text modules are assembled by the package "wabt", which is not installed`, path);
  });
  const wabt = await load();
  try {
    const parsed = wabt.parseWat(path, text);
    try {
      return parsed.toBinary({ log: false, write_debug_names: true }).buffer;
    } finally {
      parsed.destroy();
    }
  } catch (error) {
    throw invalidValue('source', `the text does not assemble: ${safeText(String(error))}`, path);
  }
}
