// References: functions and values of the host that pass through a guest.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Global, hostFunction, type Instance } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { onEveryBackend, UNHURRIED } from './support/lab';
import { failed } from './support/outcome';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

const KEEPER = `(import "env" "same" (func $same (param externref) (result externref)))
  (table $t (export "t") 2 100 externref) (global $g (export "g") (mut externref) (ref.null extern)) (table $hidden 4 externref)
  (func (export "same") (param externref i32 externref) (result externref externref) (local.get 2) (local.get 0))
  (func (export "hosted") (param externref) (result externref) (call $same (local.get 0)))
  (func (export "isNull") (param externref) (result i32) (ref.is_null (local.get 0)))
  (func (export "hide") (param i32 externref) (table.set $hidden (local.get 0) (local.get 1)))
  (func (export "hidden") (param i32) (result externref) (table.get $hidden (local.get 0)))
  (func (export "grow") (param externref i32) (result i32) (table.grow $t (local.get 0) (local.get 1)))`;

const same = (value: unknown) => value;
const keeper = { imports: { env: { same } } };

const VALUES: readonly unknown[] = [
  undefined,
  false,
  0,
  -0,
  Number.NaN,
  7n,
  '',
  'text',
  Symbol('s'),
  {},
  [],
  () => {},
  new Proxy({}, {}),
];

onEveryBackend('values of the host', (lab) => {
  test('keep their identity on every way', async () => {
    const instance = await lab.instantiate(KEEPER, keeper);
    const { exports } = instance;
    for (const value of [...VALUES, null]) {
      expect(Object.is(exports.hosted(value), value)).toBe(true);
      expect(exports.isNull(value)).toBe(lab.record(value === null ? 1 : 0));
      const [first, second] = exports.same(value, 1, VALUES[9]);
      expect([Object.is(first, VALUES[9]), Object.is(second, value)]).toEqual([true, true]);
      exports.g.value = value;
      expect(Object.is(exports.g.value, value)).toBe(true);
      exports.t.set(1, value);
      expect(Object.is(exports.t.get(1), value)).toBe(true);
      const [invoked] = await instance.invoke('hosted', [value]);
      expect(Object.is(invoked, value)).toBe(true);
    }
    expect(lab.record(instance.fuelUsed)).toBe(2n);
  });

  test('begin as those of the host in globals', async () => {
    const [variable, constant] = [{}, {}];
    const v = new Global({ value: 'externref', mutable: true }, variable);
    const c = new Global({ value: 'externref', mutable: false }, constant);
    expect([v.value, c.value]).toEqual([variable, constant]);
    const { exports } = await lab.instantiate(
      `(import "env" "v" (global $v (mut externref))) (import "env" "c" (global $c externref))
       (global (export "copy") externref (global.get $c))
       (func (export "swap") (result externref) (global.get $v) (global.set $v (global.get $c)))`,
      { imports: { env: { v, c } } },
    );
    expect(exports.copy.value).toBe(constant);
    expect(exports.swap()).toBe(variable);
    expect(v.value).toBe(constant);
    v.value = null;
    expect(lab.record(v.value)).toBe(null);
  });

  test('that no guest holds are let go, and those that one holds are not', async () => {
    const instance = await lab.instantiate(KEEPER, keeper);
    const { exports } = instance;
    const kept = [{ kept: 0 }, { kept: 1 }, { kept: 2 }, { kept: 3 }];
    exports.g.value = kept[0];
    exports.t.set(0, kept[1]);
    exports.hide(3, kept[2]);
    expect(exports.grow(kept[3], 90)).toBe(2);
    const gone: WeakRef<object>[] = [];
    const pass = () => {
      const value = { gone: gone.length };
      gone.push(new WeakRef(value));
      return exports.hosted(value) === value;
    };
    for (let round = 0; round < 1_000; round++) expect(pass()).toBe(true);
    expect([exports.g.value, exports.t.get(0), exports.hidden(3), exports.t.get(50)]).toEqual(kept);
    // Objects of this turn are alive until it ends, whoever holds them.
    await new Promise((resolve) => setTimeout(resolve));
    collect();
    const alive = gone.filter((reference) => reference.deref() !== undefined).length;
    expect(alive).toBeLessThan(500);
    expect(lab.record(exports.isNull(exports.hidden(0)))).toBe(1);
  });

  test('are gone with their instance, also in a cycle', async () => {
    const module = await lab.compile(KEEPER, UNHURRIED);
    const make = async () => {
      const instance = await module.instantiate(keeper);
      // The guest holds what holds the guest.
      instance.exports.t.set(0, instance);
      return new WeakRef(instance);
    };
    const instances = await Promise.all(Array.from({ length: 20 }, make));
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setTimeout(resolve));
      collect();
    }
    expect(instances.filter((reference) => reference.deref() !== undefined).length).toBeLessThan(5);
    lab.record(instances.length);
  });

  test('are not let go while a call that has them waits', async () => {
    const instance = await lab.instantiate(KEEPER, keeper);
    const values = Array.from({ length: 300 }, (_, number) => ({ number }));
    const calls = values.map((value) => instance.invoke('same', [value, 0, null]));
    expect((await Promise.all(calls)).map(([, value]) => value)).toEqual(values);
    for (const value of values) expect(instance.exports.hosted(value)).toBe(value);
    lab.record(values.length);
  });
});

const FUNCTIONS = `(import "env" "apply" (func $apply (param funcref i32) (result funcref)))
  (table $t (export "t") 4 funcref) (elem (table $t) (i32.const 1) func $double) (elem declare func $hidden $vector $loop)
  (global (export "g") (mut funcref) (ref.func $hidden))
  (func $double (export "double") (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
  (func (export "half") (param i32) (result i32) (i32.div_s (local.get 0) (i32.const 2)))
  (func $hidden (param i64 f32) (result f32 i64) (local.get 1) (local.get 0))
  (func $vector (param v128 externref) (result externref v128) (local.get 1) (local.get 0))
  (func $loop (loop (br 0)))
  (func (export "vector") (result funcref) (ref.func $vector))
  (func (export "loop") (result funcref) (ref.func $loop))
  (func (export "same") (param funcref) (result funcref) (local.get 0))
  (func (export "hosted") (param funcref) (result funcref) (call $apply (local.get 0) (i32.const 20)))
  (func (export "call") (param i32 i32) (result i32) (call_indirect $t (param i32) (result i32) (local.get 0) (local.get 1)))
  (export "apply" (func $apply))`;

const apply = (fn: unknown) => fn;
const functions = { imports: { env: { apply } } };
const unary = { params: ['i32'] as ['i32'], results: ['i32'] as ['i32'] };

onEveryBackend('functions as references', (lab) => {
  test('are the exported functions, wherever they come from', async () => {
    const { exports } = await lab.instantiate(FUNCTIONS, functions);
    const { t, double, half, same, hosted, g } = exports;
    expect(exports.twice).toBe(double);
    expect(t.get(1)).toBe(double);
    for (const fn of [double, half, same, hosted, exports.apply, null]) {
      expect(same(fn)).toBe(fn);
      expect(hosted(fn)).toBe(fn);
      t.set(0, fn);
      expect(t.get(0)).toBe(fn);
      g.value = fn;
      expect(g.value).toBe(fn);
    }
    expect(lab.record(t.get(2))).toBe(null);
  });

  test('that are exported cost what a call of the same function costs, in a table too', async () => {
    const instance = await lab.instantiate(FUNCTIONS, functions);
    const { t, half, double, call } = instance.exports;
    const costs: bigint[] = [];
    for (const fn of [half, double]) {
      t.set(3, fn);
      fn(8);
      costs.push(instance.fuelUsed);
      call(8, 3);
      costs.push(instance.fuelUsed);
    }
    expect(lab.record(costs)).toEqual([3n, 6n, 3n, 6n]);
    expect(call(8, 3)).toBe(16);
  });

  test('that are not exported are callable, always as the same function', async () => {
    const instance = await lab.instantiate(FUNCTIONS, functions);
    const { g, same, vector } = instance.exports;
    const hidden = g.value;
    expect(g.value).toBe(hidden);
    expect(same(hidden)).toBe(hidden);
    expect(hidden(7n, 1.5)).toEqual([1.5, 7n]);
    expect(lab.record(instance.fuelUsed)).toBe(2n);
    const bytes = Uint8Array.from({ length: 16 }, (_, index) => index);
    const object = {};
    const results = vector()(bytes, object);
    expect([results[0] === object, results[1]]).toEqual([true, bytes]);
    for (const wrong of [() => hidden(7, 1.5), () => hidden(7n), () => hidden()]) {
      const outcome = await lab.observe(instance, wrong);
      expect(['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE']).toContain(failed(outcome).code);
    }
  });

  test('stop at the limit, and poison as any call does', async () => {
    const instance = await lab.instantiate(FUNCTIONS, functions, { meteringLimit: 1_000 });
    const loop = instance.exports.loop();
    expect(await lab.observe(instance, () => loop())).toMatchObject({ code: 'ERR_FUEL_EXHAUSTED', fuelUsed: 1_000n });
    expect(await lab.observe(instance, () => loop())).toMatchObject({ code: 'ERR_INSTANCE_POISONED' });
    instance.close();
    expect(await lab.observe(instance, () => loop())).toMatchObject({ code: 'ERR_INSTANCE_CLOSED' });
  });

  test('of the host are called by the guest with exact fuel and their cost', async () => {
    const instance = await lab.instantiate(FUNCTIONS, functions);
    const { t, call, same } = instance.exports;
    const seen: unknown[] = [];
    const plus = hostFunction(
      (value: number, { fuelLeft, instance: caller, data }) => {
        seen.push([fuelLeft, caller, data]);
        return value + 1;
      },
      { ...unary, cost: 100, context: true },
    );
    t.set(3, plus);
    expect(call(8, 3)).toBe(9);
    expect(lab.record(instance.fuelUsed)).toBe(103n);
    expect(seen).toEqual([[100_000_000_000n - 103n, instance, undefined]]);
    const callable = t.get(3);
    expect(t.get(3)).toBe(callable);
    expect(same(plus)).toBe(callable);
    expect(callable(1)).toBe(2);
    expect(lab.record(instance.fuelUsed)).toBe(100n);
    t.set(2, callable);
    expect(call(1, 2)).toBe(2);
    const [first] = await instance.invoke('call', [5, 2]);
    expect(first).toBe(6);
  });

  test('of the host fail as imported ones do', async () => {
    const cause = new Error('no');
    const thrower = hostFunction(
      () => {
        throw cause;
      },
      { ...unary },
    );
    const wrong = hostFunction(() => 'text', { ...unary });
    const pending = hostFunction(async () => 1, { ...unary });
    for (const [fn, code] of [
      [thrower, 'ERR_HOST_FUNCTION'],
      [wrong, 'ERR_HOST_FUNCTION'],
      [pending, 'ERR_ASYNC_HOST_IN_SYNC'],
    ] as const) {
      const instance = await lab.instantiate(FUNCTIONS, functions);
      instance.exports.t.set(0, fn);
      expect(await lab.observe(instance, () => instance.exports.call(1, 0))).toMatchObject({ code, state: 'poisoned' });
    }
  });

  test('of the host are charged before they run', async () => {
    const options = { ...functions, fuel: 1_000 };
    const instance = await lab.instantiate(FUNCTIONS, options);
    let calls = 0;
    instance.exports.t.set(
      0,
      hostFunction(() => ++calls, { ...unary, cost: 100 }),
    );
    const run = (fuel: bigint) => instance.invoke('call', [1, 0], { fuel });
    expect(await run(103n)).toEqual([1]);
    expect(await lab.observe(instance, () => run(102n))).toMatchObject({ code: 'ERR_FUEL_EXHAUSTED', fuelUsed: 102n });
    expect(calls).toBe(lab.record(1));
  });

  test('of the host are not reached by a guest that is over its limit', async () => {
    const instance = await lab.instantiate(
      `(table (export "t") 1 funcref)
       (func (export "run") (drop (i32.const 1)) (drop (i32.const 1)) (call_indirect (i32.const 0)))`,
    );
    let calls = 0;
    instance.exports.t.set(
      0,
      hostFunction(() => void calls++, { params: [], results: [] }),
    );
    expect(await instance.invoke('run', [], { fuel: 6n })).toEqual([]);
    const stopped = await lab.observe(instance, () => instance.invoke('run', [], { fuel: 5n }));
    expect(stopped).toMatchObject({ code: 'ERR_FUEL_EXHAUSTED', fuelUsed: 5n });
    expect(lab.record(calls)).toBe(1);
  });

  test('count call depth whichever way they are called', async () => {
    const text = `(table (export "t") 1 funcref)
      (func (export "down") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
          (else (i32.add (i32.const 1) (call_indirect (param i32) (result i32) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))))`;
    const deepest: number[] = [];
    const instance = await lab.instantiate(text, { afterTrap: 'keep', limits: { callDepth: 100 } });
    const { t, down } = instance.exports;
    t.set(0, down);
    for (let depth = 0; depth < 150; depth++) {
      try {
        deepest[0] = down(depth);
      } catch (error) {
        expect((error as { code?: string }).code).toBe('ERR_STACK_OVERFLOW');
        break;
      }
    }
    expect(lab.record(deepest)).toEqual([99]);
    expect(down(50)).toBe(50);
  });

  test('reach host functions, which cannot call them meanwhile', async () => {
    let outcome: unknown;
    const busy = {
      imports: {
        env: {
          apply: (fn: (value: number) => number) => {
            try {
              fn(1);
            } catch (error) {
              outcome = (error as { code?: string }).code;
            }
            return hostFunction((value: number) => value - 1, { ...unary });
          },
        },
      },
    };
    const { exports } = await lab.instantiate(FUNCTIONS, busy);
    const given = exports.hosted(exports.half);
    expect(outcome).toBe(lab.record('ERR_INSTANCE_BUSY'));
    expect(given(10)).toBe(9);
    exports.t.set(0, given);
    expect(exports.call(10, 0)).toBe(9);
  });

  test('that cannot be references are refused', async () => {
    const instance = await lab.instantiate(FUNCTIONS, functions);
    const other = await lab.instantiate(FUNCTIONS, functions);
    const untyped = hostFunction(() => 0);
    const cases: readonly (readonly [unknown, string])[] = [
      [() => 0, 'ERR_INVALID_ARG_TYPE'],
      [other.exports.double, 'ERR_INVALID_ARG_TYPE'],
      [other.exports.g.value, 'ERR_INVALID_ARG_TYPE'],
      [undefined, 'ERR_INVALID_ARG_TYPE'],
      [7, 'ERR_INVALID_ARG_TYPE'],
      [{}, 'ERR_INVALID_ARG_TYPE'],
      [untyped, 'ERR_INVALID_ARG_VALUE'],
    ];
    for (const [value, code] of cases) {
      expect(await lab.observe(instance, () => instance.exports.same(value))).toMatchObject({ code, state: 'idle' });
      expect(await lab.observe(instance, () => instance.invoke('same', [value]))).toMatchObject({ code });
      const write = () => {
        instance.exports.g.value = value;
      };
      expect(await lab.observe(instance, write)).toMatchObject({ code });
    }
    const returning = await lab.instantiate(FUNCTIONS, { imports: { env: { apply: () => () => 0 } } });
    expect(await lab.observe(returning, () => returning.exports.hosted(null))).toMatchObject({
      code: 'ERR_HOST_FUNCTION',
    });
  });

  test('begin as host functions in globals', async () => {
    const plus = hostFunction((value: number) => value + 1, { ...unary });
    const text = `(import "env" "v" (global $v (mut funcref))) (import "env" "c" (global $c funcref)) (table 2 funcref)
      (func (export "call") (param i32) (result i32)
        (table.set (i32.const 0) (global.get $v)) (table.set (i32.const 1) (global.get $c))
        (i32.add (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0))
                 (call_indirect (param i32) (result i32) (local.get 0) (i32.const 1))))`;
    const v = new Global({ value: 'funcref', mutable: true }, plus);
    const c = new Global({ value: 'funcref', mutable: false }, plus);
    expect(v.value).toBe(plus);
    const { exports } = await lab.instantiate(text, { imports: { env: { v, c } } });
    expect(exports.call(10)).toBe(22);
    expect(v.value(5)).toBe(lab.record(6));
    v.value = hostFunction((value: number) => value * 3, { ...unary });
    expect(exports.call(10)).toBe(41);
    for (const value of [() => 0, undefined, hostFunction(() => 0)]) {
      const outcome = await lab.observe(undefined, () => new Global({ value: 'funcref', mutable: true }, value));
      expect(failed(outcome).code).toMatch(/ERR_INVALID_ARG_/);
    }
  });

  test('are not called while their instance is busy', async () => {
    const instance: Instance = await lab.instantiate(FUNCTIONS, functions);
    const hidden = instance.exports.g.value;
    const running = instance.invoke('call', [4, 1]);
    expect(await lab.observe(undefined, () => hidden(1n, 1))).toMatchObject({ code: 'ERR_INSTANCE_BUSY' });
    expect(await running).toEqual([8]);
  });

  test('can be used by a start function', async () => {
    let given: unknown;
    const start = {
      imports: {
        env: {
          take: (fn: unknown) => {
            given = fn;
          },
        },
      },
    };
    const instance = await lab.instantiate(
      `(import "env" "take" (func $take (param funcref))) (func $f (export "f") (result i32) (i32.const 3))
       (func $start (call $take (ref.func $f))) (start $start)`,
      start,
    );
    expect((given as () => number)()).toBe(3);
    expect(lab.record(instance.fuelUsed)).toBe(1n);
  });
});
