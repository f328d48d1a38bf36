// What ends a guest: traps, guard pages, fuel, depth and caps, and that the process and V8's own guests go on after each.
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { backends, Engine, errorOf, guest } = require('./package.cjs');

const TRAPS = guest('build', 'wat', 'traps.wasm');
const LOOPS = guest('build', 'wat', 'loops.wasm');
/** Of {@link LOOPS}, those that call themselves. */
const RECURSIVE = ['self', 'mutual', 'indirect'];
const DEPTH = guest('build', 'wat', 'depth.wasm');
/** Deeper than any engine is asked to let a guest go. */
const TOO_DEEP = 1_000_000;

/** An access outside of V8's memory: its signal handler must still be the one that is asked. */
function v8StillTraps() {
  if (typeof WebAssembly === 'undefined') return;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(TRAPS));
  assert.throws(() => exports['memory_out_of_bounds.load'](), WebAssembly.RuntimeError);
}

/** The functions that a module exports. */
function functions(module) {
  return module.exports.filter(({ kind }) => kind === 'function');
}

for (const backend of backends) {
  const engine = new Engine({ backend, meteringLimit: 10_000_000n });

  test(`every trap on ${backend}, twice`, async () => {
    const module = engine.compileSync(TRAPS);
    const names = functions(module).map(({ name }) => name);
    assert.ok(names.length > 20);
    for (const name of [...names, ...names]) {
      const instance = module.instantiateSync();
      const trap = await errorOf(() => instance.invoke(name));
      assert.deepEqual([trap.code, trap.details.trap], ['ERR_TRAP', name.split('.')[0]]);
      assert.equal((await errorOf(() => module.instantiateSync().exports[name]())).code, 'ERR_TRAP');
      instance.close();
    }
    v8StillTraps();
  });

  test(`loops without end on ${backend}`, async () => {
    const module = engine.compileSync(LOOPS);
    for (const { name, type } of functions(module)) {
      const instance = module.instantiateSync();
      const zeros = type.params.map(() => 0);
      const { code } = await errorOf(() => instance.invoke(name, zeros));
      assert.equal(code, RECURSIVE.includes(name) ? 'ERR_STACK_OVERFLOW' : 'ERR_FUEL_EXHAUSTED', name);
      instance.close();
    }
  });

  test(`recursion without end on ${backend}`, async () => {
    const module = engine.compileSync(DEPTH);
    for (const { name } of functions(module)) {
      const instance = module.instantiateSync();
      assert.equal((await errorOf(() => instance.invoke(name, [TOO_DEEP]))).code, 'ERR_STACK_OVERFLOW', name);
      instance.close();
    }
    v8StillTraps();
  });

  test(`bytes in and out on ${backend}`, async () => {
    const instance = await (await engine.compile(guest('build', 'echo.wasm'))).instantiate();
    const result = await instance.call('greet', 'Ada');
    assert.equal(result.text(), 'Hello, Ada!');
    assert.ok(result.fuelUsed > 0n);
  });
}
