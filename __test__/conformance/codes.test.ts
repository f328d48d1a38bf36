// Every code that this version can give is given by something, on every backend; a code that nothing gives is no contract.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AingleWasmError, Engine, envelope, type HostContext } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { CODES, type ErrorCode } from '../../src/errors/codes';
import { type Lab, onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';
import { Puppet } from './support/puppet';
import { wat } from './support/wat';

/** Codes of abilities that are still to come; nothing can give them yet. */
const LATER: readonly ErrorCode[] = ['ERR_HOST_TIMEOUT', 'ERR_ARTIFACT_REJECTED', 'ERR_WASI_EXIT'];

/** Given only when the machine or this library itself fails; no input of a guest or a caller brings them about. */
const NOT_ON_DEMAND: readonly ErrorCode[] = ['ERR_INTERNAL'];

/** Given where Node may not load addons; a test of its own starts such a process. */
const ELSEWHERE: readonly ErrorCode[] = ['ERR_ENGINE_UNAVAILABLE'];

const call =
  (text: string, name = 'f') =>
  async (lab: Lab) =>
    (await lab.instantiate(text)).exports[name]!();
const answering = (bytes: Uint8Array) => async (lab: Lab) => {
  const puppet = await Puppet.make(lab, 'envelope');
  puppet.answer(bytes);
  return puppet.instance.call('ok');
};

function damaged(at: number, to: number): Uint8Array {
  const bytes = envelope.encode(Uint8Array.of(1, 2, 3));
  bytes[at] = to;
  return bytes;
}

const SPIN = '(func (export "f") (loop (br 0)))';

/** Takes far longer than a millisecond to prepare. */
const LARGE = Array.from(
  { length: 4_000 },
  () => `(func (param i32) (result i32) (local.get 0) ${'(i32.add (i32.const 1))'.repeat(40)})`,
).join('');

const REACHED: Partial<Record<ErrorCode, (lab: Lab) => unknown>> = {
  ERR_INVALID_ARG_TYPE: () => new Engine(1 as unknown as object),
  ERR_INVALID_ARG_VALUE: () => new Engine({ unknown: 1 } as object),
  ERR_OUT_OF_RANGE: () => new Engine({ meteringLimit: 0 }),
  ERR_FEATURE_DISABLED: (lab) => lab.compile(wat('(memory 1 1 shared)', 'threads')),
  ERR_MODULE_MALFORMED: (lab) => lab.compile(new Uint8Array(3)),
  ERR_MODULE_INVALID: (lab) => lab.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 3, 2, 1, 9, 10, 4, 1, 2, 0, 11)),
  ERR_MODULE_TOO_COMPLEX: (lab) => lab.compile('(func) (func)', { complexity: { functions: 1 } }),
  ERR_IMPORT_MISSING: (lab) => lab.instantiate('(import "a" "b" (func))'),
  ERR_IMPORT_TYPE: (lab) => lab.instantiate('(import "env" "b" (memory 1))', { imports: { env: { b: () => 1 } } }),
  ERR_EXPORT_NOT_FOUND: async (lab) => (await lab.instantiate('')).invoke('f'),
  ERR_TRAP: call('(func (export "f") unreachable)'),
  ERR_STACK_OVERFLOW: call('(func $f (export "f") (call $f))'),
  ERR_FUEL_EXHAUSTED: async (lab) =>
    (await lab.instantiate('(func (export "f") (loop (br 0)))')).invoke('f', [], { fuel: 100 }),
  ERR_MEMORY_LIMIT: (lab) => lab.compile('(memory 2)', { limits: { memoryBytes: 65_536 } }),
  ERR_TABLE_LIMIT: (lab) => lab.compile('(table 2 funcref)', { limits: { tableElements: 1 } }),
  ERR_TIMEOUT: async (lab) => (await lab.instantiate(SPIN)).invoke('f', [], { timeoutMs: 10 }),
  ERR_ABORTED: async (lab) => (await lab.instantiate(SPIN)).invoke('f', [], { signal: AbortSignal.timeout(10) }),
  ERR_COMPILE_TIMEOUT: (lab) => lab.compile(LARGE, { limits: { compileMs: 1 } }),
  ERR_CALL_DEPTH: async (lab) => {
    const text = `(import "env" "h" (func $h (param i32 i32) (result i64))) (memory 1)
      (func (export "malloc") (param i32) (result i32) (i32.const 64)) (func (export "free") (param i32))
      (func (export "f") (param i32 i32) (result i64) (call $h (local.get 0) (local.get 1)))`;
    let deepest: unknown;
    const h = async (_: unknown, context: HostContext) => {
      await context.call('f', 'x').catch((error) => {
        deepest ??= error;
      });
    };
    await (await lab.instantiate(text, { host: { h } })).call('f', 'x');
    throw deepest;
  },
  ERR_OUT_OF_MEMORY: async (lab) => {
    const module = await lab.compile('', { limits: { instances: 1 } });
    return [await module.instantiate(), await module.instantiate()];
  },
  ERR_OUTPUT_LIMIT: async (lab) => {
    const puppet = await Puppet.make(lab, 'envelope', { limits: { outputBytes: 2 } });
    puppet.answer(envelope.encode(new Uint8Array(3)));
    return puppet.instance.call('ok');
  },
  ERR_HOST_CALL_LIMIT: async (lab) => {
    const text = '(import "env" "h" (func $h)) (func (export "f") (call $h))';
    return (await lab.instantiate(text, { imports: { env: { h: () => {} } }, limits: { hostCalls: 0 } })).exports.f!();
  },
  ERR_GUEST: answering(envelope.encode(Buffer.from('no'), { error: true })),
  ERR_GUEST_POINTER: async (lab) => {
    const puppet = await Puppet.make(lab, 'envelope');
    puppet.answerAt(1 << 30, 100);
    return puppet.instance.call('ok');
  },
  ERR_HOST_FUNCTION: async (lab) => {
    const text = '(import "env" "h" (func $h)) (func (export "f") (call $h))';
    return (
      await lab.instantiate(text, {
        imports: {
          env: {
            h: () => {
              throw new Error('no');
            },
          },
        },
      })
    ).exports.f!();
  },
  ERR_ASYNC_HOST_IN_SYNC: async (lab) => {
    const text = '(import "env" "h" (func $h)) (func (export "f") (call $h))';
    return (await lab.instantiate(text, { imports: { env: { h: async () => {} } } })).exports.f!();
  },
  ERR_INSTANCE_BUSY: async (lab) => {
    const instance = await lab.instantiate('(func (export "f"))');
    const pending = instance.invoke('f');
    try {
      return instance.exports.f!();
    } finally {
      await pending;
    }
  },
  ERR_INSTANCE_CLOSED: async (lab) => {
    const instance = await lab.instantiate('(func (export "f"))');
    instance.close();
    return instance.exports.f!();
  },
  ERR_INSTANCE_POISONED: async (lab) => {
    const instance = await lab.instantiate('(func (export "f") unreachable)');
    await errorOf(() => instance.exports.f!());
    return instance.exports.f!();
  },
  ERR_ENGINE_CLOSED: async (lab) => {
    const engine = lab.engine();
    await engine.close();
    return engine.compile(wat(''));
  },
  ERR_QUEUE_FULL: async (lab) => {
    const module = await lab.compile('(func (export "f") (loop (br 0)))', { queue: 1, threads: 1 });
    const instance = await module.instantiate();
    const stop = new AbortController();
    const calls = Array.from({ length: 4 }, () => instance.invoke('f', [], { signal: stop.signal }));
    try {
      await Promise.race(calls);
    } finally {
      stop.abort();
      await Promise.allSettled(calls);
    }
  },
  ERR_ENVELOPE_MAGIC: answering(damaged(0, 0)),
  ERR_ENVELOPE_VERSION: answering(damaged(2, 9)),
  ERR_ENVELOPE_FLAGS: answering(damaged(3, 0x80)),
  ERR_ENVELOPE_LENGTH: answering(damaged(4, 9)),
  ERR_ENVELOPE_CHECKSUM: answering(damaged(8, 0)),
  ERR_ENVELOPE_COMPRESSION: answering(damaged(3, 1)),
  ERR_ENVELOPE_ENCRYPTION: answering(damaged(3, 2)),
  ERR_ENVELOPE_LIMIT: () => envelope.decode(envelope.encode(new Uint8Array(10)), { maxBytes: 9 }),
};

test('every code is reached here, or comes later, or cannot be brought about', () => {
  const listed = [...Object.keys(REACHED), ...ELSEWHERE, ...LATER, ...NOT_ON_DEMAND];
  expect(listed.toSorted()).toEqual([...CODES].toSorted());
});

test('ERR_ENGINE_UNAVAILABLE: a native backend where addons are forbidden', () => {
  const program = `const { Engine, AingleWasmError } = require(process.argv[1]);
    try { new Engine({ backend: 'wasmer' }); } catch (error) {
      console.log(JSON.stringify([error.code, error instanceof AingleWasmError, error.details.attempts.length > 0, error.message]));
    }`;
  const file = fileURLToPath(new URL('../../index.js', import.meta.url));
  const { stdout } = spawnSync(process.execPath, ['--no-addons', '-e', program, file], { encoding: 'utf8' });
  const [code, ours, tried, message] = JSON.parse(stdout);
  expect([code, ours, tried]).toEqual(['ERR_ENGINE_UNAVAILABLE', true, true]);
  expect(message).toContain('"wasmer"');
});

onEveryBackend('codes', (lab) => {
  test.each(Object.entries(REACHED))('%s', async (code, provoke) => {
    const error = await errorOf(() => provoke(lab));
    expect(error.code).toBe(code);
    expect(error).toBeInstanceOf(/^ERR_(INVALID_ARG|OUT_OF_RANGE)/.test(code) ? Error : AingleWasmError);
    expect(error.message.length).toBeGreaterThan(20);
    expect(Object.isFrozen(error.details ?? Object.freeze({}))).toBe(true);
    expect(error.details === undefined || Object.getPrototypeOf(error.details) === null).toBe(true);
    lab.record(error.message);
  });

  test('an error survives a structured clone with its message', async () => {
    const error = await errorOf(() => REACHED.ERR_TRAP!(lab));
    const clone = structuredClone(error);
    expect(clone).toBeInstanceOf(Error);
    expect(clone.message).toBe(error.message);
  });
});
