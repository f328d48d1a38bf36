// Tables that the host makes and imports, and those that a guest exports.
import { hostFunction, Table, type TableType } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { failed } from './support/outcome';

const FUNCTIONS = `(import "env" "table" (table $t 2 8 funcref)) (elem (table $t) (i32.const 1) func $one)
  (func $one (export "one") (result i32) (i32.const 1))
  (func (export "call") (param i32) (result i32) (call_indirect $t (result i32) (local.get 0)))
  (func (export "size") (result i32) (table.size $t))
  (func (export "grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))
  (export "same" (table $t))`;

const EXTERNS = `(import "env" "table" (table $t 1 externref))
  (func (export "get") (param i32) (result externref) (table.get $t (local.get 0)))
  (func (export "set") (param i32 externref) (table.set $t (local.get 0) (local.get 1)))`;

const two = hostFunction(() => 2, { params: [], results: ['i32'] });

onEveryBackend('tables of the host', (lab) => {
  test('hold references of their own before any instance has them', async () => {
    const table = new Table({ element: 'externref', min: 2, max: 4 });
    expect([table.length, table.element, table.get(0)]).toEqual([2, 'externref', undefined]);
    const object = {};
    table.set(1, object);
    table.set(0, null);
    expect([table.get(0), table.get(1) === object]).toEqual([null, true]);
    expect(table.grow(1, object)).toBe(2);
    expect(table.grow(1)).toBe(3);
    expect([table.get(2) === object, table.get(3)]).toEqual([true, undefined]);
    table.set(2);
    expect(table.get(2)).toBe(undefined);
    expect(await lab.observe(undefined, () => table.grow(1))).toMatchObject({
      code: 'ERR_TABLE_LIMIT',
      details: { limit: 4, value: 5 },
    });
    const functions = new Table({ element: 'funcref', min: 1 });
    expect(functions.get(0)).toBe(null);
    functions.set(0, two);
    expect(functions.get(0)).toBe(two);
    functions.set(0);
    expect(functions.get(0)).toBe(lab.record(null));
    expect(new Table({ element: 'funcref', min: 2 }, two).get(1)).toBe(two);
  });

  test.each(['instantiate', 'instantiateSync'] as const)('are shared with the guest after %s', async (how) => {
    const table = new Table({ element: 'funcref', min: 3, max: 5 }, two);
    const instance = await (await lab.compile(FUNCTIONS))[how]({ imports: { env: { table } } });
    const { one, call, size, grow, same } = instance.exports;
    expect([call(0), call(1), call(2), size()]).toEqual([2, 1, 2, 3]);
    expect(table.get(1)).toBe(one);
    expect(table.get(0)()).toBe(2);
    table.set(0, one);
    expect(call(0)).toBe(1);
    expect(table.grow(1, one)).toBe(3);
    expect([call(3), size()]).toEqual([1, 4]);
    expect(grow(1)).toBe(4);
    expect(table.length).toBe(5);
    expect(grow(1)).toBe(-1);
    expect(same).toBe(table);
    expect(await lab.observe(instance, () => table.grow(1))).toMatchObject({
      code: 'ERR_TABLE_LIMIT',
      details: { limit: 5, value: 6 },
    });
    expect(await lab.observe(undefined, () => call(4))).toMatchObject({ code: 'ERR_TRAP' });
  });

  test('of values keep them', async () => {
    const [first, second] = [{}, {}];
    const table = new Table({ element: 'externref', min: 3 }, first);
    table.set(1, null);
    const { exports } = await lab.instantiate(EXTERNS, { imports: { env: { table } } });
    expect([exports.get(0) === first, exports.get(1), exports.get(2) === first]).toEqual([true, null, true]);
    exports.set(1, second);
    expect(table.get(1)).toBe(second);
    table.set(2);
    expect(exports.get(2)).toBe(undefined);
    expect(lab.record(table.grow(2, second))).toBe(3);
    expect(exports.get(4)).toBe(second);
  });

  test.each([
    ['too small', { element: 'funcref', min: 1, max: 8 }, 'a table of 1 to 8 elements of type funcref'],
    ['with a larger maximum', { element: 'funcref', min: 2, max: 9 }, '2 to 9 elements'],
    ['without a maximum', { element: 'funcref', min: 2 }, '2 or more elements'],
    ['of another type', { element: 'externref', min: 2, max: 8 }, 'of type externref'],
  ] as const)('%s do not fit', async (_, type, text) => {
    const module = await lab.compile(FUNCTIONS);
    const outcome = await lab.observe(undefined, () =>
      module.instantiate({ imports: { env: { table: new Table(type) } } }),
    );
    expect(outcome).toMatchObject({ code: 'ERR_IMPORT_TYPE', phase: 'link' });
    expect(failed(outcome).message).toContain(text);
    expect(failed(outcome).message).toContain('a table of 2 to 8 elements of type funcref');
  });

  test('fit nothing but tables', async () => {
    const table = new Table({ element: 'funcref', min: 1 });
    for (const wanted of ['(memory 1)', '(global i32)', '(func)']) {
      const module = await lab.compile(`(import "env" "x" ${wanted})`);
      const outcome = await lab.observe(undefined, () => module.instantiate({ imports: { env: { x: table } } }));
      expect(outcome).toMatchObject({ code: 'ERR_IMPORT_TYPE' });
    }
    const module = await lab.compile(FUNCTIONS);
    const outcome = await lab.observe(undefined, () => module.instantiate({ imports: { env: { table: () => {} } } }));
    expect(outcome).toMatchObject({ code: 'ERR_IMPORT_TYPE' });
    expect(await lab.observe(undefined, () => module.instantiate())).toMatchObject({ code: 'ERR_IMPORT_MISSING' });
  });

  test('count in the limit of the instance', async () => {
    const text = `(import "env" "table" (table $t 1 funcref)) (table 3 funcref)
      (func (export "grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))`;
    const module = await lab.compile(text);
    const limits = { tableElements: 10 };
    const large = new Table({ element: 'funcref', min: 8 });
    expect(
      await lab.observe(undefined, () => module.instantiate({ imports: { env: { table: large } }, limits })),
    ).toMatchObject({ code: 'ERR_TABLE_LIMIT', phase: 'link', details: { limit: 10, value: 11 } });
    expect(large.length).toBe(8);
    const table = new Table({ element: 'funcref', min: 5 });
    const instance = await module.instantiate({ imports: { env: { table } }, limits });
    expect(instance.exports.grow(3)).toBe(-1);
    expect(await lab.observe(instance, () => table.grow(3))).toMatchObject({
      code: 'ERR_TABLE_LIMIT',
      details: { limit: 10, value: 11 },
    });
    expect(table.grow(1)).toBe(5);
    expect(instance.exports.grow(1)).toBe(6);
    expect(table.length).toBe(7);
  });

  test('belong to the first instance', async () => {
    const table = new Table({ element: 'funcref', min: 2, max: 8 });
    const module = await lab.compile(FUNCTIONS);
    const instance = await module.instantiate({ imports: { env: { table } } });
    const again = await lab.observe(undefined, () => module.instantiate({ imports: { env: { table } } }));
    expect(again).toMatchObject({ code: 'ERR_IMPORT_TYPE' });
    expect(failed(again).message).toContain('belongs to another instance');
    instance.close();
    for (const use of [() => table.length, () => table.get(0), () => table.set(0, null), () => table.grow(1)]) {
      expect(await lab.observe(undefined, use)).toMatchObject({ code: 'ERR_INSTANCE_CLOSED' });
    }
  });

  test('one table under one name is one table, and cannot have two names', async () => {
    const text = (
      second: string,
    ) => `(import "env" "a" (table $a 1 externref)) (import "env" "${second}" (table $b 1 externref))
      (func (export "run") (param externref) (result externref)
        (table.set $a (i32.const 0) (local.get 0)) (table.get $b (i32.const 0)))`;
    const a = new Table({ element: 'externref', min: 1 });
    const twice = await lab.compile(text('b'));
    const refused = await lab.observe(undefined, () => twice.instantiate({ imports: { env: { a, b: a } } }));
    expect(failed(refused).message).toContain('has another name already');
    const { exports } = await lab.instantiate(text('a'), { imports: { env: { a } } });
    const object = {};
    expect(exports.run(object)).toBe(object);
    expect(a.get(0)).toBe(object);
    expect(lab.record(a.length)).toBe(1);
  });

  test('are busy while their guest runs, and open to its host functions', async () => {
    const table = new Table({ element: 'externref', min: 1 });
    const object = {};
    const look = () => {
      table.set(0, object);
      return table.grow(1);
    };
    const instance = await lab.instantiate(
      `(import "env" "table" (table $t 1 externref)) (import "env" "look" (func $look (result i32)))
       (func (export "run") (result i32 externref) (call $look) (table.get $t (i32.const 0)))`,
      { imports: { env: { table, look } } },
    );
    const running = instance.invoke('run');
    expect(await lab.observe(undefined, () => table.get(0))).toMatchObject({ code: 'ERR_INSTANCE_BUSY' });
    const [size, element] = await running;
    expect([size, element === object, table.length]).toEqual([1, true, 2]);
  });

  test('are as they were after an instantiation that fails', async () => {
    const table = new Table({ element: 'funcref', min: 2, max: 8 }, two);
    const failing = await lab.compile(
      `(import "env" "table" (table $t 2 8 funcref)) (elem (table $t) (i32.const 0) func $start)
       (func $start (table.set $t (i32.const 1) (ref.null func)) unreachable) (start $start)`,
    );
    const imports = { env: { table } };
    expect(await lab.observe(undefined, () => failing.instantiate({ imports }))).toMatchObject({ code: 'ERR_TRAP' });
    expect(await lab.observe(undefined, () => failing.instantiateSync({ imports }))).toMatchObject({
      code: 'ERR_TRAP',
    });
    expect([table.get(0), table.get(1)]).toEqual([two, two]);
    const { exports } = await lab.instantiate(FUNCTIONS, { imports });
    expect(exports.call(0)).toBe(2);
  });

  test.each([
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    [{}, 'ERR_INVALID_ARG_TYPE'],
    [{ element: 'funcref' }, 'ERR_INVALID_ARG_TYPE'],
    [{ element: 'anyfunc', min: 1 }, 'ERR_INVALID_ARG_VALUE'],
    [{ element: 1, min: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ element: 'funcref', min: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ element: 'funcref', min: 10_000_001 }, 'ERR_OUT_OF_RANGE'],
    [{ element: 'funcref', min: 2, max: 1 }, 'ERR_OUT_OF_RANGE'],
    [{ element: 'funcref', min: 1, initial: 3 }, 'ERR_INVALID_ARG_VALUE'],
  ])('of the type %j are refused', async (type, code) => {
    expect(await lab.observe(undefined, () => new Table(type as TableType))).toMatchObject({ code });
  });

  test('refuse indices outside and values of another type, before and after an instance has them', async () => {
    const table = new Table({ element: 'funcref', min: 2, max: 8 });
    const uses = [
      () => table.get(2),
      () => table.get(-1),
      () => table.get(0.5),
      () => table.get('0' as unknown as number),
      () => table.set(2, null),
      () => table.set(0, 7),
      () => table.set(0, () => 0),
      () =>
        table.set(
          0,
          hostFunction(() => 0),
        ),
      () => table.grow(-1),
      () => table.grow(1, {}),
      () => new Table({ element: 'funcref', min: 1 }, 7),
    ];
    const codes = async () => {
      const outcomes = [];
      for (const use of uses) outcomes.push(failed(await lab.observe(undefined, use)).code);
      return outcomes;
    };
    const before = await codes();
    await lab.instantiate(FUNCTIONS, { imports: { env: { table } } });
    expect(await codes()).toEqual(before);
    expect(new Set(before)).toEqual(new Set(['ERR_OUT_OF_RANGE', 'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE']));
    expect(table.length).toBe(2);
    const empty = new Table({ element: 'externref', min: 0 });
    expect(await lab.observe(undefined, () => empty.get(0))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  });
});

onEveryBackend('exported tables', (lab) => {
  test('are objects of the class that the host makes, one for each table', async () => {
    const { exports } = await lab.instantiate(
      `(table $a (export "a") (export "b") 2 5 funcref) (table (export "c") 3 externref) (elem (table $a) (i32.const 0) func $f)
       (func $f (export "f"))`,
    );
    expect(Object.keys(exports)).toEqual(['a', 'b', 'c', 'f']);
    expect(exports.a).toBeInstanceOf(Table);
    expect(exports.b).toBe(exports.a);
    expect([exports.a.element, exports.a.length, exports.c.element, exports.c.length]).toEqual([
      'funcref',
      2,
      'externref',
      3,
    ]);
    expect(exports.a.get(0)).toBe(exports.f);
    expect(exports.c.get(0)).toBe(null);
    expect(exports.a.grow(3)).toBe(2);
    expect(await lab.observe(undefined, () => exports.a.grow(1))).toMatchObject({
      code: 'ERR_TABLE_LIMIT',
      details: { limit: 5, value: 6 },
    });
    const module = await lab.compile('(import "env" "t" (table 1 5 funcref))');
    const given = await lab.observe(undefined, () => module.instantiate({ imports: { env: { t: exports.a } } }));
    expect(failed(given).message).toContain('belongs to another instance');
  });

  test('count growth of the host in the limit of the engine', async () => {
    const { exports } = await lab.instantiate(
      '(table (export "t") 1 externref) (table $u 5 funcref) (func (export "grow") (result i32) (table.grow $u (ref.null func) (i32.const 1)))',
      {},
      { limits: { tableElements: 8 } },
    );
    expect(exports.t.grow(1, 'x')).toBe(1);
    expect(exports.grow()).toBe(5);
    expect(exports.t.get(1)).toBe('x');
    expect(await lab.observe(undefined, () => exports.t.grow(1))).toMatchObject({
      code: 'ERR_TABLE_LIMIT',
      details: { limit: 8, value: 9 },
    });
    expect(exports.grow()).toBe(-1);
  });

  test('follow their instance', async () => {
    const instance = await lab.instantiate('(table (export "t") 1 externref) (func (export "trap") unreachable)');
    const { t, trap } = instance.exports;
    expect(await lab.observe(instance, () => trap())).toMatchObject({ code: 'ERR_TRAP', state: 'poisoned' });
    t.set(0, 'still');
    expect(t.get(0)).toBe('still');
    instance.close();
    expect(await lab.observe(undefined, () => t.length)).toMatchObject({ code: 'ERR_INSTANCE_CLOSED' });
  });
});
