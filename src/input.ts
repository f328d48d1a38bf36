// Bytes as callers give them.
import { invalidType } from './errors/error';

export type CallInput = Uint8Array | string;

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();

/** Text becomes UTF-8, nothing no bytes. */
export function toBytes(input: unknown): Uint8Array {
  if (input === undefined) return NO_BYTES;
  if (typeof input === 'string') return encoder.encode(input);
  if (input instanceof Uint8Array) return input;
  throw invalidType('input', 'a Uint8Array or a string', input);
}
