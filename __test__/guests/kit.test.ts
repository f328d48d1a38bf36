// What the guest kit puts into every Rust guest.
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { guestBytes, interfaceOf, PlainGuest } from './plain-host.js';

const GUESTS = readdirSync(new URL('../../guests/build/', import.meta.url)).filter((name) => name.endsWith('.wasm'));

/** Where this build ran: the repository and the folder of downloaded crates. */
const BUILD_FOLDERS = [fileURLToPath(new URL('../../', import.meta.url)), join(homedir(), '.cargo')];

describe.each(GUESTS)('%s', (name) => {
  const bytes = guestBytes(`build/${name}`);
  const { imports, exports } = interfaceOf(bytes);

  test('exports the convention', () => {
    expect(exports).toEqual(
      expect.arrayContaining([
        '__aingle_guest_allocate',
        '__aingle_guest_deallocate',
        '__aingle_guest_reset_arena',
        '__aingle_guest_mark',
        '__aingle_guest_release',
        '__aingle_guest_call_buffer',
        '__aingle_abi_version',
      ]),
    );
  });

  test('imports nothing but the convention', () => {
    for (const item of imports) expect(['aingle_v1.crc32', 'aingle_v1.panic', 'env.__my_host_fn']).toContain(item);
  });

  test('names no folder of the machine it was built on', () => {
    for (const folder of BUILD_FOLDERS) expect(bytes.includes(folder)).toBe(false);
  });
});

test('version, call buffer and alignment', () => {
  const guest = PlainGuest.load('build/echo.wasm');
  expect(guest.exports.__aingle_abi_version!()).toBe(1);
  expect(guest.callBuffer.address % 8).toBe(0);
  expect(guest.callBuffer.capacity).toBeGreaterThanOrEqual(65_536 + 12);
  for (const length of [1, 7, 8, 100_000]) expect(guest.allocate(length) % 8).toBe(0);
});

test.each([0, 1, 4_085, 65_536, 65_540, 65_541, 5_000_000])('%d bytes come back', (length) => {
  const guest = PlainGuest.load('build/echo.wasm');
  const input = Buffer.from(Uint8Array.from({ length }, (_, index) => index % 251));
  expect(guest.call('echo', input).payload.equals(input)).toBe(true);
  expect(guest.call('length', input).payload.toString()).toBe(String(length));
  expect(guest.call('repeat', String(length)).payload.length).toBe(length);
});

test('memory does not grow with calls', () => {
  const guest = PlainGuest.load('build/echo.wasm');
  const input = Buffer.alloc(1 << 20, 7);
  guest.call('echo', input);
  guest.call('echo', input);
  const { pages } = guest;
  for (let round = 0; round < 50; round += 1) guest.call('echo', input);
  expect(guest.pages).toBe(pages);
});

test('what is allocated after a mark is taken back by the release', () => {
  const { exports } = PlainGuest.load('build/echo.wasm');
  const first = exports.__aingle_guest_allocate!(100);
  const mark = exports.__aingle_guest_mark!();
  const second = exports.__aingle_guest_allocate!(50);
  exports.__aingle_guest_allocate!(1_000_000);
  exports.__aingle_guest_release!(mark);
  expect(exports.__aingle_guest_allocate!(50)).toBe(second);
  exports.__aingle_guest_deallocate!(second, 50);
  expect(exports.__aingle_guest_allocate!(50)).toBe(second);
  expect(first).toBeLessThan(second);
});

test('an allocation that cannot be served is 0, and the guest goes on', () => {
  const guest = PlainGuest.load('build/echo.wasm');
  expect(guest.allocate(0xffff_ffff)).toBe(0);
  expect(guest.allocate(0xffff_fff0)).toBe(0);
  expect(guest.call('greet', 'Ada').payload.toString()).toBe('Hello, Ada!');
});

test('input outside of what was allocated is an error of the guest', () => {
  const { exports } = PlainGuest.load('build/echo.wasm');
  expect(exports.echo!(0xffff_0000, 64)).toBeLessThan(0n);
  expect(exports.echo!(16, 64)).toBeLessThan(0n);
});

test('host calls give their memory back', () => {
  const guest = PlainGuest.load('build/hostcall.wasm', { __my_host_fn: (input) => Buffer.from(input) });
  guest.call('repeat', '1');
  const { pages } = guest;
  expect(guest.call('repeat', '20000').payload.toString()).toBe('20000');
  expect(guest.call('my_function', 'abc').payload.toString()).toBe('ABC');
  expect(guest.pages).toBe(pages);
});

test.each([
  ['panic', 'this guest panics on purpose'],
  ['panic_with', 'panicked over "input"'],
  ['index_out_of_range', 'index out of bounds: the len is 3 but the index is 7'],
  ['divide_by_zero', 'attempt to divide by zero'],
])('a panic is reported with its place: %s', (name, message) => {
  const guest = PlainGuest.load('build/misbehave.wasm');
  expect(() => guest.call(name, 'input')).toThrow(WebAssembly.RuntimeError);
  const report = guest.panic!;
  const fileLength = report.readUInt16LE(6);
  expect([report[0], report[1]]).toEqual([0, 9]);
  expect(report.readUInt32LE(2)).toBeGreaterThan(0);
  expect(report.toString('utf8', 8, 8 + fileLength)).toBe('misbehave/src/traps.rs');
  expect(report.toString('utf8', 8 + fileLength)).toBe(message);
});

test('errors are marked twice', () => {
  const guest = PlainGuest.load('build/misbehave.wasm');
  expect(guest.call('error_text', '')).toEqual({ isError: true, flags: 8, payload: Buffer.from('no such sensor') });
  const structured = guest.call('error_structured', '');
  expect(structured).toMatchObject({ isError: true, flags: 8 });
  expect([...structured.payload.subarray(0, 2)]).toEqual([0, 8]);
});
