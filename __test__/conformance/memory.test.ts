// The memory of an instance, from outside: copies in, copies out, bounds checked.
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';

const PAGE = 65_536;
const TEXT = `(memory (export "memory") 1 3) (data (i32.const 10) "hello")
  (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))`;

onEveryBackend('memory', (lab) => {
  test('reads and writes what the guest sees', async () => {
    const { memory, exports } = await lab.instantiate(TEXT);
    expect(Buffer.from(memory.read(10, 5)).toString()).toBe('hello');
    memory.write(10, Buffer.from('J'));
    expect(exports.get!(10)).toBe(74);
    memory.write(PAGE - 1, Uint8Array.of(9));
    expect(exports.get!(PAGE - 1)).toBe(9);
    expect(memory.read(PAGE, 0)).toEqual(new Uint8Array(0));
    memory.write(PAGE, new Uint8Array(0));
  });

  test('what was read is a copy that no later change reaches', async () => {
    const { memory } = await lab.instantiate(TEXT);
    const bytes = memory.read(10, 5);
    memory.write(10, Buffer.from('xxxxx'));
    expect(Buffer.from(bytes).toString()).toBe('hello');
    bytes.fill(0);
    expect(Buffer.from(memory.read(10, 5)).toString()).toBe('xxxxx');
    memory.grow(1);
    expect(structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] })).toHaveLength(5);
  });

  test('grows from outside within the same limits as from inside', async () => {
    const { memory, exports } = await lab.instantiate(TEXT);
    expect(memory.grow(1)).toBe(1);
    expect([memory.pages, memory.byteLength]).toEqual([2, 2 * PAGE]);
    expect(exports.grow!(1)).toBe(2);
    expect(await lab.observe(undefined, () => memory.grow(1))).toMatchObject({ code: 'ERR_MEMORY_LIMIT' });
    expect(memory.grow(0)).toBe(3);
    memory.write(3 * PAGE - 1, Uint8Array.of(5));
    expect(exports.get!(3 * PAGE - 1)).toBe(5);
  });

  test('the limit of the instance holds for growth from outside', async () => {
    const { memory } = await lab.instantiate('(memory 1)', { limits: { memoryBytes: 2 * PAGE } });
    expect(memory.grow(1)).toBe(1);
    expect(await lab.observe(undefined, () => memory.grow(1))).toMatchObject({
      code: 'ERR_MEMORY_LIMIT',
      details: { limit: 2 * PAGE, value: 3 * PAGE },
    });
    expect(memory.pages).toBe(2);
  });

  test.each([
    [-1, 1],
    [0, PAGE + 1],
    [PAGE, 1],
    [PAGE - 1, 2],
    [2 ** 32, 0],
    [0, 2 ** 32],
    [0.5, 1],
    [Number.NaN, 1],
    [0, Number.POSITIVE_INFINITY],
    [2 ** 53, 2 ** 53],
  ])('reading %d with %d bytes is out of range', async (ptr, len) => {
    const { memory } = await lab.instantiate(TEXT);
    expect(await lab.observe(undefined, () => memory.read(ptr, len))).toMatchObject({
      code: 'ERR_OUT_OF_RANGE',
      error: 'RangeError',
    });
  });

  test.each([
    [PAGE, 1],
    [PAGE - 1, 2],
    [-1, 0],
    [2 ** 31, 1],
    [2 ** 32, 0],
  ])('writing at %d %d bytes is out of range', async (ptr, length) => {
    const { memory } = await lab.instantiate(TEXT);
    expect(await lab.observe(undefined, () => memory.write(ptr, new Uint8Array(length)))).toMatchObject({
      code: 'ERR_OUT_OF_RANGE',
    });
  });

  test.each([
    ['0', 1],
    [0n, 1],
    [null, 1],
    [0, '1'],
    [undefined, undefined],
  ])('reading refuses case %#', async (ptr, len) => {
    const { memory } = await lab.instantiate(TEXT);
    expect(await lab.observe(undefined, () => memory.read(ptr as number, len as number))).toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });

  test.each([['text'], [[1]], [null], [new ArrayBuffer(1)]])('writing refuses case %#', async (bytes) => {
    const { memory } = await lab.instantiate(TEXT);
    expect(await lab.observe(undefined, () => memory.write(0, bytes as unknown as Uint8Array))).toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });

  test.each([
    [-1, 'ERR_OUT_OF_RANGE'],
    [1.5, 'ERR_OUT_OF_RANGE'],
    [65_537, 'ERR_OUT_OF_RANGE'],
    ['1', 'ERR_INVALID_ARG_TYPE'],
    [65_536, 'ERR_MEMORY_LIMIT'],
  ])('growing by %s is refused', async (pages, code) => {
    const { memory } = await lab.instantiate(TEXT);
    expect(await lab.observe(undefined, () => memory.grow(pages as number))).toMatchObject({ code });
    expect(memory.pages).toBe(1);
  });

  test('a module without memory has none', async () => {
    const { memory } = await lab.instantiate('(func)');
    expect([memory.pages, memory.byteLength, memory.read(0, 0).length]).toEqual([0, 0, 0]);
    expect(await lab.observe(undefined, () => memory.read(0, 1))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
    expect(await lab.observe(undefined, () => memory.grow(1))).toMatchObject({ code: 'ERR_MEMORY_LIMIT' });
  });

  test('a memory that is not exported is reachable all the same', async () => {
    const { memory } = await lab.instantiate('(memory 1) (data (i32.const 0) "inner")');
    expect(Buffer.from(memory.read(0, 5)).toString()).toBe('inner');
  });

  test('a poisoned instance shows its memory; a closed one does not', async () => {
    const instance = await lab.instantiate(
      `${TEXT} (func (export "trap") (i32.store8 (i32.const 0) (i32.const 7)) unreachable)`,
    );
    await lab.observe(instance, () => instance.exports.trap!());
    expect(instance.memory.read(0, 1)).toEqual(Uint8Array.of(7));
    instance.close();
    for (const run of [
      () => instance.memory.read(0, 1),
      () => instance.memory.write(0, Uint8Array.of(1)),
      () => instance.memory.grow(1),
      () => instance.memory.pages,
      () => instance.memory.byteLength,
    ]) {
      expect(await lab.observe(instance, run)).toMatchObject({ code: 'ERR_INSTANCE_CLOSED', state: 'closed' });
    }
  });

  test('a new memory is zero, whatever the one before left', async () => {
    const module = await lab.compile(TEXT);
    for (let i = 0; i < 5; i++) {
      const instance = await module.instantiate();
      expect(instance.memory.read(0, PAGE).findIndex((byte, at) => byte !== 0 && (at < 10 || at > 14))).toBe(-1);
      instance.memory.write(0, new Uint8Array(PAGE).fill(0xff));
      instance.close();
    }
  });
});
