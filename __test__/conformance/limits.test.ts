// Limits hold on every engine in the same place: exactly at the limit passes, one more does not.
import { envelope } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { Puppet } from './support/puppet';

const PAGE = 65_536;

const GROWING = `
  (memory (export "memory") 1)
  (table 1 funcref)
  (table 1 externref)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size))
  (func (export "touch") (result i32) (i32.load (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4))))
  (func (export "grow first") (param i32) (result i32) (table.grow 0 (ref.null func) (local.get 0)))
  (func (export "grow second") (param i32) (result i32) (table.grow 1 (ref.null extern) (local.get 0)))`;

const DEEP = `
  (func $plain (export "plain") (param $n i32) (result i32)
    (if (result i32) (i32.eqz (local.get $n)) (then (i32.const 0)) (else (i32.add (i32.const 1) (call $plain (i32.sub (local.get $n) (i32.const 1)))))))
  (func $heavy (export "heavy") (param $n i32) (result i32) (local${' i64'.repeat(31)})
    (if (result i32) (i32.eqz (local.get $n)) (then (i32.const 0)) (else (i32.add (i32.const 1) (call $heavy (i32.sub (local.get $n) (i32.const 1)))))))`;

onEveryBackend('limits', (lab) => {
  test('memory grows to its limit and no further; the guest sees −1', async () => {
    const { exports, memory } = await lab.instantiate(GROWING, { limits: { memoryBytes: 10 * PAGE } });
    expect(exports.grow!(9)).toBe(1);
    expect(exports.touch!()).toBe(0);
    expect(exports.grow!(1)).toBe(-1);
    expect(exports.grow!(0)).toBe(10);
    expect(exports.grow!(-1)).toBe(-1);
    expect(exports.size!()).toBe(10);
    expect(lab.record(memory.pages)).toBe(10);
  });

  test('the engine’s limit holds where the instance has none of its own', async () => {
    const { exports } = await lab.instantiate(GROWING, {}, { limits: { memoryBytes: 5 * PAGE } });
    expect([exports.grow!(4), exports.grow!(1)]).toEqual([1, -1]);
  });

  test('a declared maximum below the limit stays', async () => {
    const text = '(memory 1 3) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))';
    const { exports } = await lab.instantiate(text);
    expect([exports.grow!(2), exports.grow!(1)]).toEqual([1, -1]);
  });

  test('two instances of one module have limits of their own', async () => {
    const module = await lab.compile(GROWING);
    const small = await module.instantiate({ limits: { memoryBytes: 2 * PAGE, tableElements: 2 } });
    const large = await module.instantiate();
    expect([small.exports.grow!(2), large.exports.grow!(2)]).toEqual([-1, 1]);
    expect([small.exports['grow first']!(1), large.exports['grow first']!(1)]).toEqual([-1, 1]);
  });

  test('a memory that begins over the limit is refused', async () => {
    const options = { limits: { memoryBytes: 4 * PAGE } };
    await lab.compile('(memory 4)', options);
    expect(await lab.observe(undefined, () => lab.compile('(memory 5)', options))).toMatchObject({
      code: 'ERR_MEMORY_LIMIT',
      details: { limit: 4 * PAGE, value: 5 * PAGE },
    });
    const module = await lab.compile('(memory 5)');
    expect(await lab.observe(undefined, () => module.instantiate(options))).toMatchObject({
      code: 'ERR_MEMORY_LIMIT',
      phase: 'link',
    });
    expect(await lab.observe(undefined, () => module.instantiateSync(options))).toMatchObject({
      code: 'ERR_MEMORY_LIMIT',
    });
  });

  test('all tables together have one limit', async () => {
    const { exports } = await lab.instantiate(GROWING, { limits: { tableElements: 10 } });
    expect(exports['grow first']!(4)).toBe(1);
    expect(exports['grow second']!(4)).toBe(1);
    expect(exports['grow first']!(1)).toBe(-1);
    expect(exports['grow second']!(1)).toBe(-1);
    expect(exports['grow first']!(0)).toBe(5);
    expect(exports['grow second']!(-1)).toBe(-1);
  });

  test('tables that begin over the limit are refused', async () => {
    const options = { limits: { tableElements: 9 } };
    const text = '(table 5 funcref) (table 5 externref)';
    expect(await lab.observe(undefined, () => lab.compile(text, options))).toMatchObject({
      code: 'ERR_TABLE_LIMIT',
      details: { limit: 9, value: 10 },
    });
    const module = await lab.compile(text);
    expect(await lab.observe(undefined, () => module.instantiate(options))).toMatchObject({
      code: 'ERR_TABLE_LIMIT',
      phase: 'link',
    });
  });

  test.each(['plain', 'heavy'])('recursion of a %s function ends at the same depth', async (name) => {
    const module = await lab.compile(DEEP);
    const passes = async (n: number) => {
      const instance = await module.instantiate({ limits: { callDepth: 600 } });
      try {
        return instance.exports[name]!(n) === n;
      } catch (error) {
        expect((error as { code: string }).code).toBe('ERR_STACK_OVERFLOW');
        return false;
      }
    };
    let [low, high] = [0, 2_000];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (await passes(middle)) low = middle;
      else high = middle;
    }
    // A frame weighs 1, and 1 more for each 16 slots; the outermost call counts too.
    expect(lab.record(low)).toBe(name === 'plain' ? 599 : 199);
  });

  test('the default depth passes on every thread', async () => {
    const instance = await lab.instantiate(DEEP);
    const depth = lab.engine().options.limits.callDepth;
    expect(instance.exports.plain!(depth - 1)).toBe(depth - 1);
    expect(await instance.invoke('plain', [depth - 1])).toEqual([depth - 1]);
    expect(await lab.observe(instance, () => instance.invoke('plain', [depth]))).toMatchObject({
      code: 'ERR_STACK_OVERFLOW',
      details: { limit: depth },
      state: 'poisoned',
    });
  });

  test.each(['envelope', 'bytes'] as const)('output of the limit passes, one byte more does not (%s)', async (abi) => {
    const puppet = await Puppet.make(lab, abi, { limits: { outputBytes: 100 } });
    const encoded = (length: number) =>
      abi === 'envelope' ? envelope.encode(new Uint8Array(length)) : new Uint8Array(length);
    puppet.answer(encoded(100));
    expect(puppet.instance.callRaw('ok', new Uint8Array(1))).toHaveLength(100);
    puppet.answer(encoded(101));
    for (const run of [
      () => puppet.instance.call('ok'),
      () => puppet.instance.callSync('ok'),
      () => puppet.instance.callRaw('ok', new Uint8Array(0)),
    ]) {
      expect(await lab.observe(puppet.instance, run)).toMatchObject({
        code: 'ERR_OUTPUT_LIMIT',
        details: { limit: 100, value: 101 },
        state: 'idle',
      });
    }
  });

  test('calls of host functions are counted for each call', async () => {
    const text = `(import "env" "f" (func $f)) (func (export "run") (param $n i32)
      (loop (if (i32.gt_s (local.get $n) (i32.const 0)) (then (call $f) (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br 1)))))`;
    let calls = 0;
    const module = await lab.compile(text);
    const instance = await module.instantiate({
      imports: { env: { f: () => void calls++ } },
      limits: { hostCalls: 5 },
    });
    instance.exports.run!(5);
    instance.exports.run!(5);
    expect(calls).toBe(10);
    expect(await lab.observe(instance, () => instance.exports.run!(6))).toMatchObject({
      code: 'ERR_HOST_CALL_LIMIT',
      details: { limit: 5 },
      state: 'poisoned',
    });
    expect(calls).toBe(15);
    const none = await module.instantiate({ imports: { env: { f: () => void calls++ } }, limits: { hostCalls: 0 } });
    expect(await lab.observe(none, () => none.invoke('run', [1]))).toMatchObject({
      code: 'ERR_HOST_CALL_LIMIT',
      details: { limit: 0 },
    });
    expect(calls).toBe(15);
  });

  test('live instances are counted; closing one makes room', async () => {
    const engine = lab.engine({ limits: { instances: 2 } });
    const module = await engine.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
    const first = await module.instantiate();
    await module.instantiate();
    for (const run of [() => module.instantiate(), () => module.instantiateSync()]) {
      expect(await lab.observe(undefined, run)).toMatchObject({
        code: 'ERR_OUT_OF_MEMORY',
        phase: 'link',
        retryable: true,
        details: { limit: 2 },
      });
    }
    first.close();
    await module.instantiate();
    expect(lab.record(engine.stats.instances)).toBe(2);
  });

  test('an instance may lower a limit, not raise it', async () => {
    const module = await lab.compile(GROWING, {
      limits: { memoryBytes: 4 * PAGE, callDepth: 100, outputBytes: 10, tableElements: 10, hostCalls: 3 },
    });
    for (const limits of [
      { memoryBytes: 5 * PAGE },
      { callDepth: 101 },
      { outputBytes: 11 },
      { tableElements: 11 },
      { hostCalls: 4 },
    ]) {
      expect(await lab.observe(undefined, () => module.instantiate({ limits }))).toMatchObject({
        code: 'ERR_OUT_OF_RANGE',
        error: 'RangeError',
      });
    }
    await module.instantiate({
      limits: { memoryBytes: 4 * PAGE, callDepth: 100, outputBytes: 10, tableElements: 10, hostCalls: 3 },
    });
  });
});
