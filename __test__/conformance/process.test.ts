// What surrounds an engine: a process that ends when it should, worker threads, small stacks, a collected heap.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { wat } from './support/wat';

const PACKAGE = fileURLToPath(new URL('../../index.js', import.meta.url));

const GUEST = wat(`
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "spin") (loop (br 0)))
  (func $deep (export "deep") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0)) (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))`);

/** What every program begins with: the package, an engine and an instance of the guest. */
function prelude(backend: string): string {
  return `const { Engine } = require(${JSON.stringify(PACKAGE)});
    const engine = new Engine({ backend: '${backend}' });
    const bytes = Buffer.from('${Buffer.from(GUEST).toString('base64')}', 'base64');
    const instance = engine.compileSync(bytes).instantiateSync();`;
}

function runProgram(backend: string, program: string, ...flags: string[]) {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, '-e', `${prelude(backend)} (async () => { ${program} })()`],
    { encoding: 'utf8', timeout: 50_000 },
  );
  return { status, signal, output: stdout.trim(), errors: stderr.trim() };
}

function runWorker(backend: string, program: string, resourceLimits = {}): Promise<unknown> {
  const code = `${prelude(backend)} const { parentPort } = require('node:worker_threads');
    (async () => { ${program} })().then((value) => parentPort.postMessage(value));`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true, resourceLimits });
    let message: unknown;
    worker.on('message', (value) => {
      message = value;
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve(message));
  });
}

onEveryBackend('processes', (lab) => {
  test('a process ends by itself when nothing runs, closed or not', () => {
    const program = 'console.log((await instance.invoke("add", [1, 2]))[0], instance.exports.add(3, 4))';
    expect(lab.record(runProgram(lab.backend, program))).toEqual({
      status: 0,
      signal: null,
      output: '3 7',
      errors: '',
    });
  });

  test('a process stays while a call is pending', () => {
    const program = 'instance.invoke("add", [1, 2]).then(([sum]) => { console.log(sum); })';
    expect(lab.record(runProgram(lab.backend, program))).toEqual({ status: 0, signal: null, output: '3', errors: '' });
  });

  test('an exit with calls pending is obeyed', () => {
    const program = 'for (let i = 0; i < 20; i++) instance.invoke("add", [i, i]).catch(() => {}); process.exit(7)';
    expect(lab.record(runProgram(lab.backend, program))).toMatchObject({ status: 7, signal: null });
  });

  test('a failing call that nobody waits for ends the process as any rejection does, with its code', () => {
    const { status, signal, errors } = runProgram(lab.backend, 'instance.invoke("spin", [], { fuel: 1000 })');
    expect(lab.record({ status, signal })).toEqual({ status: 1, signal: null });
    expect(errors).toContain('ERR_FUEL_EXHAUSTED');
  });

  test('instances, modules and engines that are dropped in any order are collected', () => {
    const program = `
      for (let round = 0; round < 200; round++) {
        let other = new Engine({ backend: '${lab.backend}' });
        let module = other.compileSync(bytes);
        let instances = [module.instantiateSync(), module.instantiateSync()];
        if (instances[round % 2].exports.add(round, 1) !== round + 1) throw new Error('wrong');
        if (round % 3 === 0) other = undefined;
        if (round % 3 === 1) module = undefined;
        instances = undefined;
        if (round % 20 === 0) { gc(); await new Promise(setImmediate); }
      }
      console.log('done');`;
    expect(lab.record(runProgram(lab.backend, program, '--expose-gc'))).toEqual({
      status: 0,
      signal: null,
      output: 'done',
      errors: '',
    });
  });

  test('an engine works in a worker as on the main thread', async () => {
    const program = `
      const results = [instance.exports.add(1, 2), (await instance.invoke('deep', [engine.options.limits.callDepth - 1]))[0]];
      results.push(instance.fuelUsed);
      try { await instance.invoke('spin', [], { fuel: 1000 }); } catch (error) { results.push(error.code); }
      return results;`;
    const worker = await runWorker(lab.backend, program);
    const depth = lab.engine().options.limits.callDepth;
    expect(lab.record(worker)).toEqual([3, depth - 1, expect.any(BigInt), 'ERR_FUEL_EXHAUSTED']);
  });

  test('four workers at once do not disturb each other', async () => {
    const program = `
      let sum = 0;
      for (let i = 0; i < 500; i++) sum += (await instance.invoke('add', [i, 1]))[0];
      return sum;`;
    const sums = await Promise.all(Array.from({ length: 4 }, () => runWorker(lab.backend, program)));
    expect(lab.record(sums)).toEqual(Array.from({ length: 4 }, () => 125_250));
  });

  test('a worker with a small stack ends deep recursion with an error, not with a crash', async () => {
    const program = `
      const deep = engine.compileSync(bytes).instantiateSync();
      try { return deep.exports.deep(1_000_000); } catch (error) { return error.code; }`;
    expect(lab.record(await runWorker(lab.backend, program, { stackSizeMb: 1 }))).toBe('ERR_STACK_OVERFLOW');
  });
});
