// Host functions of core values: what they get, what they may return, what happens when they fail.
import { hostFunction, type InstanceOptions } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';

const TYPED = `
  (import "env" "mix" (func $mix (param i32 i64 f32 f64) (result f64)))
  (import "env" "swap" (func $swap (param i32 i64) (result i64 i32)))
  (import "other" "note" (func $note (param i32)))
  (func (export "mix") (param i32 i64 f32 f64) (result f64) (call $mix (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "swap") (param i32 i64) (result i64 i32) (call $swap (local.get 0) (local.get 1)))
  (func (export "note") (param i32) (call $note (local.get 0)))`;

/** A guest that returns what a host function of one result returned. */
function relay(type: string): string {
  return `(import "env" "give" (func $give (result ${type}))) (func (export "take") (result ${type}) (call $give))
    (func (export "bytes") (param i32 i32) (result i64) (i64.const 0))`;
}

function giving(value: unknown): InstanceOptions {
  return { imports: { env: { give: () => value } } };
}

/** Results of a wrong type for a declared one. */
const WRONG_RESULTS: readonly (readonly [string, unknown])[] = [
  ['i32', 1n],
  ['i32', '1'],
  ['i32', undefined],
  ['i32', null],
  ['i32', true],
  ['i32', {}],
  ['i32', [1]],
  ['i32', Symbol('s')],
  ['i64', 1],
  ['i64', '1'],
  ['i64', undefined],
  ['f32', 1n],
  ['f64', 1n],
  ['f64', '1'],
];

const CONVERTED: readonly (readonly [string, unknown, unknown])[] = [
  ['i32', 2 ** 32 + 5, 5],
  ['i32', -1.9, -1],
  ['i32', Number.NaN, 0],
  ['i64', 2n ** 64n + 5n, 5n],
  ['i64', -(2n ** 63n) - 1n, 2n ** 63n - 1n],
  ['f32', 0.1, Math.fround(0.1)],
  ['f64', -0, -0],
  ['f64', Number.NaN, Number.NaN],
];

onEveryBackend('host functions of core values', (lab) => {
  test('get the parameters as numbers and bigints, and nothing else', async () => {
    const seen: unknown[][] = [];
    const imports = {
      env: {
        mix: (...args: unknown[]) => {
          seen.push(args);
          return 0.25;
        },
        swap: (a: number, b: bigint) => [b, a],
      },
      other: { note: (...args: unknown[]) => void seen.push(args) },
    };
    const instance = await lab.instantiate(TYPED, { imports });
    expect(instance.exports.mix!(-1, -2n, 0.5, -0)).toBe(0.25);
    expect(instance.exports.swap!(7, 2n ** 63n - 1n)).toEqual([2n ** 63n - 1n, 7]);
    expect(instance.exports.note!(2 ** 31)).toBe(undefined);
    expect(await instance.invoke('swap', [7, 8n])).toEqual([8n, 7]);
    expect(await instance.invoke('mix', [1, 2n, 3, 4])).toEqual([0.25]);
    expect(lab.record(seen)).toEqual([[-1, -2n, 0.5, -0], [-(2 ** 31)], [1, 2n, 3, 4]]);
    expect(lab.record(instance.fuelUsed)).toBe(5n);
  });

  test.each(CONVERTED)('a result of %s given as %s arrives as %s', async (type, given, expected) => {
    const instance = await lab.instantiate(relay(type), giving(given));
    expect(instance.exports.take!()).toBe(expected);
    expect(await instance.invoke('take')).toEqual([expected]);
  });

  test.each(WRONG_RESULTS)('a result of %s refuses case %#', async (type, given) => {
    const instance = await lab.instantiate(relay(type), giving(given));
    expect(await lab.observe(instance, () => instance.exports.take!())).toMatchObject({
      code: 'ERR_HOST_FUNCTION',
      state: 'poisoned',
    });
    const other = await lab.instantiate(relay(type), giving(given));
    const error = await errorOf(() => other.invoke('take'));
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(lab.record((error.cause as Error).message)).toMatch(type);
  });

  test.each([[[1n]], [[1n, 2, 3]], [[1, 1n]], ['12'], [undefined], [{ length: 2, 0: 1n, 1: 2 }]])(
    'two results refuse case %#',
    async (given) => {
      const text = '(import "env" "f" (func $f (result i64 i32))) (func (export "take") (result i64 i32) (call $f))';
      const instance = await lab.instantiate(text, { imports: { env: { f: () => given } } });
      expect(await lab.observe(instance, () => instance.exports.take!())).toMatchObject({ code: 'ERR_HOST_FUNCTION' });
    },
  );

  test('a kept instance goes on after its host function threw', async () => {
    let fail = true;
    const give = () => {
      if (fail) throw new Error('once');
      return 5;
    };
    const instance = await lab.instantiate(relay('i32'), { imports: { env: { give } }, afterTrap: 'keep' });
    expect(await lab.observe(instance, () => instance.exports.take!())).toMatchObject({
      code: 'ERR_HOST_FUNCTION',
      state: 'idle',
    });
    fail = false;
    expect(instance.exports.take!()).toBe(5);
  });

  test('a promise is refused in a synchronous call, and its rejection is not left unhandled', async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', listen);
    const give = async () => {
      throw new Error('late');
    };
    const instance = await lab.instantiate(relay('i32'), { imports: { env: { give } } });
    expect(await lab.observe(instance, () => instance.exports.take!())).toMatchObject({
      code: 'ERR_ASYNC_HOST_IN_SYNC',
      state: 'poisoned',
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });

  test('calling the guest again from its host function is refused', async () => {
    const codes: string[] = [];
    const states: string[] = [];
    const imports = {
      env: {
        give: () => {
          states.push(instance.state);
          for (const run of [
            () => instance.exports.take!(),
            () => instance.callSync('bytes'),
            () => instance.callRaw('bytes', new Uint8Array(0)),
          ]) {
            try {
              run();
            } catch (error) {
              codes.push((error as { code: string }).code);
            }
          }
          return 1;
        },
      },
    };
    const instance = await lab.instantiate(relay('i32'), { imports });
    expect(instance.exports.take!()).toBe(1);
    expect(await instance.invoke('take')).toEqual([1]);
    expect(lab.record(codes)).toEqual(Array.from({ length: 6 }, () => 'ERR_INSTANCE_BUSY'));
    expect(lab.record(states)).toEqual(['host', 'host']);
    expect(instance.state).toBe('idle');
  });

  test('another instance may be called from a host function', async () => {
    const inner = await lab.instantiate('(func (export "seven") (result i32) (i32.const 7))');
    const instance = await lab.instantiate(relay('i32'), { imports: { env: { give: () => inner.exports.seven!() } } });
    expect(instance.exports.take!()).toBe(7);
    expect(await instance.invoke('take')).toEqual([7]);
    expect(lab.record([instance.fuelUsed, inner.fuelUsed])).toEqual([1n, 1n]);
  });

  test('declared types must be those of the import', async () => {
    const module = await lab.compile(relay('i32'));
    const give = () => 1;
    await module.instantiate({ imports: { env: { give: hostFunction(give, { params: [], results: ['i32'] }) } } });
    for (const declared of [{ params: ['i32' as const] }, { results: ['i64' as const] }, { results: [] }]) {
      const imports = { env: { give: hostFunction(give, declared) } };
      expect(await lab.observe(undefined, () => module.instantiate({ imports }))).toMatchObject({
        code: 'ERR_IMPORT_TYPE',
      });
    }
  });

  test('a declared cost is charged before the function runs', async () => {
    let calls = 0;
    const give = hostFunction(() => ++calls, { cost: 1_000 });
    const instance = await lab.instantiate(relay('i32'), { imports: { env: { give } } });
    expect(instance.exports.take!()).toBe(1);
    expect(lab.record(instance.fuelUsed)).toBe(1_001n);
    expect(await lab.observe(instance, () => instance.invoke('take', [], { fuel: 1_001 }))).toMatchObject({
      value: [2],
    });
    expect(await lab.observe(instance, () => instance.invoke('take', [], { fuel: 1_000 }))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
      state: 'poisoned',
      fuelUsed: 1_000n,
    });
    expect(calls).toBe(2);
  });

  test('the context comes last when asked for: data, instance, fuel', async () => {
    const notes: unknown[] = [];
    const give = hostFunction(
      (context) => {
        notes.push(context.data, context.instance === instance, context.fuelLeft);
        context.charge(10);
        context.charge(5n);
        context.charge(0);
        notes.push(context.fuelLeft);
        return 1;
      },
      { context: true },
    );
    const instance = await lab.instantiate(relay('i32'), { imports: { env: { give } }, data: 'of the instance' });
    expect(await instance.invoke('take', [], { fuel: 100 })).toEqual([1]);
    expect(await instance.invoke('take', [], { fuel: 100, data: 'of the call' })).toEqual([1]);
    expect(lab.record(notes)).toEqual(['of the instance', true, 99n, 84n, 'of the call', true, 99n, 84n]);
    expect(lab.record(instance.fuelUsed)).toBe(16n);
  });

  test('charging more than is left ends the call, even if the function catches the error', async () => {
    const give = hostFunction(
      (context) => {
        try {
          context.charge(1_000);
        } catch {}
        return 1;
      },
      { context: true },
    );
    const instance = await lab.instantiate(relay('i32'), { imports: { env: { give } } });
    expect(await lab.observe(instance, () => instance.invoke('take', [], { fuel: 100 }))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
      state: 'poisoned',
      fuelUsed: 100n,
    });
  });

  test('the memory can be read and written inside a host function', async () => {
    const text = `(import "env" "f" (func $f)) (memory 1)
      (func (export "run") (result i32) (i32.store8 (i32.const 5) (i32.const 77)) (call $f) (i32.load8_u (i32.const 6)))`;
    const f = () => instance.memory.write(6, Uint8Array.of(instance.memory.read(5, 1)[0]! + 1));
    const instance = await lab.instantiate(text, { imports: { env: { f } } });
    expect(instance.exports.run!()).toBe(78);
    expect(await instance.invoke('run')).toEqual([78]);
  });

  test('the start function may call host functions', async () => {
    let calls = 0;
    const text = '(import "env" "f" (func $f)) (start $f)';
    await lab.instantiate(text, { imports: { env: { f: () => void calls++ } } });
    expect(calls).toBe(1);
    const module = await lab.compile(text);
    const failing = {
      imports: {
        env: {
          f: () => {
            throw new Error('no');
          },
        },
      },
    };
    expect(await lab.observe(undefined, () => module.instantiate(failing))).toMatchObject({
      code: 'ERR_HOST_FUNCTION',
    });
  });
});
