// @ruby/prism: Ruby's parser, compiled from C, with 45 WASI imports that parsing does not use.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allocate, fromPackage, type Program, place } from './program';

const ALLOCATOR = 'malloc';
/** What parsePrism.js packs when no option is given: all zero but the first line's number. */
const OPTIONS = Uint8Array.from({ length: 23 }, (_, index) => (index === 4 ? 1 : 0));

/** A class with what Ruby’s grammar has: blocks, strings with expressions, keyword arguments, patterns, rescue. bench/peers reads it too. */
const SENSOR = readFileSync(join(__dirname, 'sensor.rb'), 'utf8');

export const PRISM: Program = fromPackage('ruby parse', '@ruby/prism/src/prism.wasm', (guest) => {
  const text = Buffer.from(
    Array.from({ length: 60 }, (_, index) => SENSOR.replaceAll('INDEX', String(index))).join(''),
  );
  const source = place(guest, ALLOCATOR, text);
  const options = place(guest, ALLOCATOR, OPTIONS);
  const buffer = allocate(guest, ALLOCATOR, guest.call('pm_buffer_sizeof'));
  return () => {
    guest.call('pm_buffer_init', buffer);
    guest.call('pm_serialize_parse', buffer, source, text.length, options);
    const length = guest.call('pm_buffer_length', buffer);
    if (length < text.length / 4) throw new Error(`a tree of ${length} bytes for ${text.length} bytes of source`);
    const tree = guest.read(guest.call('pm_buffer_value', buffer), length);
    guest.call('pm_buffer_free', buffer);
    return tree;
  };
});
