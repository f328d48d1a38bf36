// The workers that guests of the v8 backend live in: what keeps a process alive, what ends them, what sharing one means.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Engine, type Instance } from 'aingle-wasm';
import { afterEach, describe, expect, test } from 'vitest';
import { wat } from '../conformance/support/wat';

const PACKAGE = fileURLToPath(new URL('../../index.js', import.meta.url));

const GUEST = wat(`
  (import "env" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1 400)
  (global $n (mut i32) (i32.const 0))
  (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
  (func (export "ask") (param i32) (result i32) (call $f (local.get 0)))
  (func (export "spin") (loop (br 0)))
  (func (export "spinBytes") (param i32 i32) (result i64) (loop (br 0)) (i64.const 0))
  (func (export "trap") unreachable)
  (func (export "malloc") (param i32) (result i32) (i32.const 1024))
  (func (export "free") (param i32))
  (func (export "echo") (param i32 i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))`);

const EMPTY = new Uint8Array(0);

const engines: Engine[] = [];
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.close())));

function open(options = {}): Engine {
  const engine = new Engine({ backend: 'v8', meteringLimit: 'unlimited', ...options });
  engines.push(engine);
  return engine;
}

async function make(engine: Engine, f: (value: number) => unknown = (value) => value, options = {}): Promise<Instance> {
  const module = await engine.compileCached('guest', GUEST);
  return module.instantiate({ imports: { env: { f: f as () => number } }, ...options });
}

function prelude(): string {
  return `const { Engine } = require(${JSON.stringify(PACKAGE)});
    const engine = new Engine({ backend: 'v8', meteringLimit: 'unlimited' });
    const bytes = Buffer.from('${Buffer.from(GUEST).toString('base64')}', 'base64');
    const make = async (f = (value) => value) => (await engine.compile(bytes)).instantiate({ imports: { env: { f } } });`;
}

function runProgram(program: string, ...flags: string[]) {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, '-e', `${prelude()} (async () => { ${program} })()`],
    { encoding: 'utf8', timeout: 30_000 },
  );
  return { status, signal, output: stdout.trim(), errors: stderr.trim() };
}

describe('a process', () => {
  test.each([
    ['with an idle instance ends', 'const i = await make(); console.log(await i.invoke("next"));', 0, '[ 1 ]'],
    [
      'stays while a call is pending',
      'const i = await make(); i.invoke("spin", [], { timeoutMs: 100 }).catch((e) => console.log(e.code));',
      0,
      'ERR_TIMEOUT',
    ],
    [
      'stays while instances wait for workers',
      'Promise.all(Array.from({ length: 12 }, () => make())).then((all) => console.log(all.length));',
      0,
      '12',
    ],
    [
      'stays while a guest waits for a promise',
      'const i = await make(() => new Promise((r) => setTimeout(r, 50, 5).unref())); console.log(await i.invoke("ask", [1]));',
      0,
      '[ 5 ]',
    ],
    [
      'does not wait for a step that nobody answers',
      'const i = await make(); await i.start("ask", [1]); console.log("dropped");',
      0,
      'dropped',
    ],
  ])('%s', (_, program, status, output) => {
    expect(runProgram(program)).toMatchObject({ status, signal: null, output });
  });

  test('without WebAssembly is told so', () => {
    const program = `try { new (require(${JSON.stringify(PACKAGE)}).Engine)({ backend: 'v8' }); } catch (error) { console.log(error.code, error.message); }`;
    const { stdout } = spawnSync(process.execPath, ['--jitless', '-e', program], { encoding: 'utf8' });
    expect(stdout).toMatch(/^ERR_ENGINE_UNAVAILABLE .*no WebAssembly/);
  });

  test('that may not have workers is told so, and can do without', () => {
    const program = `
      const refused = async (run) => { try { await run(); } catch (error) { return error.code; } };
      const module = engine.compileSync(bytes);
      const instance = module.instantiateSync({ imports: { env: { f: (value) => value + 1 } } });
      console.log(await refused(() => engine.compile(bytes)), await refused(() => module.instantiate({ imports: { env: { f() {} } } })), instance.exports.ask(1));`;
    const flag = process.versions.node.startsWith('20.') ? '--experimental-permission' : '--permission';
    expect(runProgram(program, flag, '--allow-fs-read=*')).toMatchObject({
      status: 0,
      output: 'ERR_ENGINE_UNAVAILABLE ERR_ENGINE_UNAVAILABLE 2',
    });
  });
});

describe('workers', () => {
  const threads = () => readdirSync('/proc/self/task').length;
  const onLinux = test.skipIf(process.platform !== 'linux');

  onLinux('end with their instances, however those end', async () => {
    const engine = open();
    await make(engine).then((instance) => instance.close());
    const before = threads();
    const instances = await Promise.all(Array.from({ length: 8 }, () => make(engine)));
    expect(threads()).toBeGreaterThanOrEqual(before + 6);
    await Promise.allSettled(
      instances.map((instance, index) => instance.invoke(index % 2 ? 'spin' : 'next', [], { timeoutMs: 50 })),
    );
    for (const instance of instances) instance.close();
    await eventually(() => expect(threads()).toBeLessThanOrEqual(before + 2));
  });

  onLinux('are kept for the next instances, and end if none come', async () => {
    const engine = open();
    const round = async () => {
      const instances = await Promise.all(Array.from({ length: 7 }, () => make(engine)));
      const running = threads();
      for (const instance of instances) instance.close();
      return running;
    };
    const first = await round();
    expect(await round()).toBeLessThanOrEqual(first + 1);
    expect(threads()).toBeGreaterThan(first - 4);
    await eventually(() => expect(threads()).toBeLessThanOrEqual(first - 4));
  });

  onLinux('are there for the next instance before it comes', () => {
    const program = `
      const threads = () => require('node:fs').readdirSync('/proc/self/task').length;
      const module = engine.compileSync(bytes);
      const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      const before = threads();
      await module.instantiate({ imports: { env: { f() {} } } });
      for (let tried = 0; tried < 100 && threads() < before + 2; tried++) await wait(25);
      console.log(threads() - before);`;
    expect(runProgram(program)).toMatchObject({ status: 0, output: '2' });
  });

  onLinux('are few where many instances are wanted at once and each only for a moment', async () => {
    const engine = open();
    await make(engine).then((instance) => instance.close());
    const before = threads();
    let most = 0;
    const visit = async () => {
      using instance = await make(engine);
      most = Math.max(most, threads());
      return await instance.invoke('next');
    };
    const results = await Promise.all(Array.from({ length: 100 }, visit));
    expect(results).toEqual(results.map(() => [1]));
    expect(most).toBeLessThanOrEqual(before + 20);
  });

  describe('that an instance waits for', () => {
    const wanted = async (engine: Engine) => {
      await engine.compileCached('guest', GUEST);
      return Array.from({ length: 20 }, () => make(engine));
    };

    test.each([
      ['a deadline', () => ({ timeoutMs: 5 }), 'ERR_TIMEOUT'],
      ['a signal', () => ({ signal: AbortSignal.timeout(5) }), 'ERR_ABORTED'],
    ])('are not waited for beyond %s', async (_, terms, code) => {
      const engine = open();
      const before = await wanted(engine);
      await expect(make(engine, undefined, terms())).rejects.toMatchObject({ code, phase: 'start' });
      const instances = await Promise.all(before);
      expect(engine.stats.instances).toBe(instances.length);
      expect(await Promise.all(instances.map((instance) => instance.invoke('next')))).toEqual(instances.map(() => [1]));
    });

    test('are not waited for when the engine is closed', async () => {
      const engine = open();
      const refused = (await wanted(engine)).map((instance) =>
        expect(instance).rejects.toMatchObject({ code: 'ERR_ENGINE_CLOSED' }),
      );
      await engine.close();
      await Promise.all(refused);
      expect(engine.stats.instances).toBe(0);
      expect(await (await make(open())).invoke('next')).toEqual([1]);
    });
  });

  onLinux('end when their instance is collected', async () => {
    const gc = collector();
    const engine = open();
    await (async () => void (await Promise.all(Array.from({ length: 8 }, () => make(engine)))))();
    const before = threads();
    await eventually(() => {
      gc();
      expect(engine.stats.instances).toBe(0);
      expect(threads()).toBeLessThan(before);
    });
  });

  test.each([
    ['a deadline, asynchronously', (i: Instance) => i.invoke('spin', [], { timeoutMs: 10 })],
    ['a deadline, synchronously', async (i: Instance) => i.callSync('spinBytes', EMPTY, { timeoutMs: 10 })],
    ['a signal', (i: Instance) => i.invoke('spin', [], { signal: AbortSignal.timeout(10) })],
    ['close', closeIn],
  ])('let go of an instance that was stopped by %s, closed or not', async (_, stop) => {
    const gc = collector();
    const engine = open();
    const instances = await stopped(engine, stop, 12);
    await eventually(() => {
      gc();
      expect(instances.filter((instance) => instance.deref() !== undefined)).toHaveLength(0);
      expect(engine.stats.instances).toBe(0);
    }, 100);
  });

  test('have calls begin between new guests, and not behind all of them', async () => {
    const engine = open({ threads: 1 });
    const [holder, other] = [await make(engine), await make(engine)];
    const atRest = await Promise.all(Array.from({ length: 10 }, () => make(engine)));
    for (const instance of atRest) instance.close();
    const held = holder.invoke('spin', [], { timeoutMs: 200 }).catch((error) => error.code);
    let made = 0;
    const instances = Array.from({ length: 10 }, () => make(engine).then(() => made++));
    // Until all of them wait for the one place.
    await new Promise((resolve) => setTimeout(resolve, 100));
    await other.invoke('next');
    expect(made).toBeLessThan(5);
    await Promise.all(instances);
    expect(await held).toBe('ERR_TIMEOUT');
  });

  test('serve one guest after the other, and none sees another', async () => {
    const engine = open();
    for (let round = 0; round < 50; round++) {
      using instance = await make(engine);
      expect(await instance.invoke('next')).toEqual([1]);
      instance.memory.write(0, Uint8Array.of(round + 1));
      if (round % 5 === 0) await instance.invoke('trap').catch(() => {});
    }
    const last = await make(engine);
    expect(last.memory.read(0, 1)).toEqual(Uint8Array.of(0));
    expect(engine.stats.instances).toBe(1);
  });

  test.each([0, 1, 65_535, 65_536, 65_537, 5_000_000])('carry %i bytes there and back', async (length) => {
    const instance = await make(open());
    instance.memory.grow(100);
    const input = Buffer.alloc(length, 7);
    const pending = instance.call('echo', input);
    input.fill(9);
    expect(Buffer.alloc(length, 7).equals((await pending).bytes)).toBe(true);
    expect(input.equals(instance.callRaw('echo', input))).toBe(true);
    expect(input).toHaveLength(length);
    instance.memory.write(0, input);
    expect(input.equals(instance.memory.read(0, length))).toBe(true);
  });

  test('the memory of a guest that was stopped is gone, and it says so', async () => {
    const instance = await make(open());
    await instance.invoke('spin', [], { timeoutMs: 20 }).catch(() => {});
    for (const use of [() => instance.memory.pages, () => instance.memory.read(0, 1), () => instance.memory.grow(1)])
      expect(use).toThrow(
        expect.objectContaining({
          code: 'ERR_INSTANCE_POISONED',
          details: expect.objectContaining({ reason: 'ERR_TIMEOUT' }),
        }),
      );
    instance.close();
    expect(instance.state).toBe('closed');
  });

  test('that of a guest that trapped is there', async () => {
    const instance = await make(open());
    instance.memory.write(3, Uint8Array.of(8));
    await instance.invoke('trap').catch(() => {});
    expect([instance.state, instance.memory.read(3, 1)[0]]).toEqual(['poisoned', 8]);
  });
});

describe('instances that share a worker', () => {
  const SHARED = { worker: 'shared' } as const;

  test('have memories of their own, and wait for each other', async () => {
    const engine = open();
    const instances = await Promise.all(Array.from({ length: 5 }, () => make(engine, undefined, SHARED)));
    for (let round = 1; round <= 3; round++) {
      const results = await Promise.all(instances.map((instance) => instance.invoke('next')));
      expect(results).toEqual(instances.map(() => [round]));
    }
    expect(instances[0]!.exports.next!()).toBe(4);
    instances[0]!.close();
    expect(await instances[1]!.invoke('next')).toEqual([4]);
  });

  test('may call each other from host functions, in either way', async () => {
    const engine = open();
    const inner = await make(engine, undefined, SHARED);
    const sync = await make(engine, () => inner.exports.next!(), SHARED);
    expect([await sync.invoke('ask', [0]), sync.exports.ask!(0)]).toEqual([[1], 2]);
    const waiting = await make(engine, async () => (await inner.invoke('next'))[0], SHARED);
    expect(await waiting.invoke('ask', [0])).toEqual([3]);
  });

  test('are lost together when one is stopped', async () => {
    const engine = open();
    const [one, other] = await Promise.all([make(engine, undefined, SHARED), make(engine, undefined, SHARED)]);
    const results = await Promise.allSettled([one!.invoke('spin', [], { timeoutMs: 30 }), other!.invoke('next')]);
    expect(results.map((result) => (result as PromiseRejectedResult).reason.code)).toEqual([
      'ERR_TIMEOUT',
      'ERR_INSTANCE_POISONED',
    ]);
    expect(other!.state).toBe('poisoned');
    expect(await (await make(engine, undefined, SHARED)).invoke('next')).toEqual([1]);
  });
});

/** What collects, as if Node had been started with --expose-gc. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

function closeIn(instance: Instance): Promise<unknown> {
  const pending = instance.invoke('spin');
  instance.close();
  return pending;
}

/** Makes instances and stops each; closes every second one. Nothing here holds them any more. */
async function stopped(
  engine: Engine,
  stop: (instance: Instance) => Promise<unknown>,
  count: number,
): Promise<WeakRef<Instance>[]> {
  const references: WeakRef<Instance>[] = [];
  for (let made = 0; made < count; made++) {
    const instance = await make(engine);
    // Not `expect(…).rejects`, which keeps the promise until the test has ended.
    if (
      await stop(instance).then(
        () => true,
        () => false,
      )
    )
      throw new Error('not stopped');
    if (made % 2 === 0) instance.close();
    references.push(new WeakRef(instance));
  }
  return references;
}

/** Tries again until it holds, for some seconds: threads end when they can, and rest before. */
async function eventually(check: () => void, attempts = 600): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      check();
      return;
    } catch (error) {
      if (attempt === attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
