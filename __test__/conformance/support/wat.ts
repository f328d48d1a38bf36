// Text to binary, with the assembler of the wabt package, remembered by text.
import wabt from 'wabt';

const { parseWat } = await wabt();
const assembled = new Map<string, Uint8Array>();

const FEATURES = {
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  multi_value: true,
  bulk_memory: true,
  reference_types: true,
};

/** Proposals outside the accepted set that the assembler knows. */
export type Proposal =
  | 'threads'
  | 'tail_call'
  | 'exceptions'
  | 'memory64'
  | 'multi_memory'
  | 'extended_const'
  | 'relaxed_simd';

/**
 * Assembles a module.
 *
 * @param text the module, or its fields without the `(module …)` around them
 * @param proposal assembled with this proposal besides
 */
export function wat(text: string, proposal?: Proposal): Uint8Array {
  const key = `${proposal ?? ''}:${text}`;
  const known = assembled.get(key);
  if (known !== undefined) return known;
  const source = /^\s*\(module\b/.test(text) ? text : `(module ${text})`;
  const features = proposal === undefined ? FEATURES : { ...FEATURES, [proposal]: true };
  const module = parseWat('test.wat', source, features);
  try {
    const bytes = module.toBinary({ write_debug_names: true }).buffer;
    assembled.set(key, bytes);
    return bytes;
  } finally {
    module.destroy();
  }
}
