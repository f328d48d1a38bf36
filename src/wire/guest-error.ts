// Errors as guests write them: plain UTF-8 text, or structured: 0x00, kind u8, line u32, file length u16, file, message.
import type { Details } from '../errors/messages';
import { decodeText } from '../host-input';
import { readU32 } from './frame';

const STRUCTURED = 0;
const FIXED_BYTES = 8;

/** By their byte; a byte beyond is `unknown`, so that newer guests stay readable. */
const KINDS = [
  'unknown',
  'serialization',
  'deserialization',
  'memory',
  'host_call',
  'guest_call',
  'validation',
  'timeout',
  'permission_denied',
  'panic',
] as const;

/** The details of an ERR_GUEST with this payload. Never fails: a damaged structured error is read as text. */
export function readGuestError(payload: Uint8Array): Details {
  if (payload[0] !== STRUCTURED || payload.length < FIXED_BYTES) return { message: decodeText(payload) };
  const file = FIXED_BYTES + (payload[6]! | (payload[7]! << 8));
  if (file > payload.length) return { message: decodeText(payload) };
  return {
    message: decodeText(payload.subarray(file)),
    kind: KINDS[payload[1]!] ?? KINDS[0],
    file: decodeText(payload.subarray(FIXED_BYTES, file)),
    line: readU32(payload, 2),
  };
}
