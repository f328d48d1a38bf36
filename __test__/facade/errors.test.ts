// The contract of errors: codes, shape, and messages word for word.
import { AingleWasmError } from 'aingle-wasm';
import { describe, expect, test } from 'vitest';
import { CODES, type ErrorCode } from '../../src/errors/codes';
import { createError, invalidType, invalidValue, outOfRange } from '../../src/errors/error';
import { type Details, message } from '../../src/errors/messages';

test('the codes are frozen: one that is missing here breaks its callers', () => {
  expect(CODES).toMatchSnapshot();
});

const MESSAGES: Record<ErrorCode, readonly (readonly [Details, string])[]> = {
  ERR_INVALID_ARG_TYPE: [[{ option: 'fuel', allowed: 'a bigint', value: 'x' }, 'fuel must be a bigint; received "x".']],
  ERR_INVALID_ARG_VALUE: [
    [
      { option: 'abi', allowed: 'allowed are "bytes"', value: 'x' },
      'abi is invalid: received "x"; allowed are "bytes".',
    ],
  ],
  ERR_OUT_OF_RANGE: [
    [{ option: 'queue', allowed: '1 to 9', value: 0 }, 'queue is out of range: received 0; allowed is 1 to 9.'],
  ],
  ERR_ENGINE_UNAVAILABLE: [
    [
      { backend: 'wasmer', attempts: [{ source: 'a.node', reason: 'no such file' }] },
      'The backend "wasmer" cannot run here (a.node: no such file). Use backend "auto" or "v8", or install for this platform.',
    ],
    [
      { backend: 'wasmi' },
      'The backend "wasmi" cannot run here. Use backend "auto" or "v8", or install for this platform.',
    ],
    [{ backend: 'v8' }, 'The backend "v8" cannot run here. Use backend "auto", or install for this platform.'],
    [
      { backend: 'auto', attempts: [{ source: 'node', reason: 'no WebAssembly' }] },
      'No backend can run here (node: no WebAssembly).',
    ],
  ],
  ERR_FEATURE_DISABLED: [
    [
      { feature: 'threads', offset: 1234 },
      'The module needs threads, which is not available (at offset 1,234). Build it for WebAssembly 2.0 without it.',
    ],
  ],
  ERR_MODULE_MALFORMED: [
    [{ offset: 0, reason: 'no magic' }, 'The bytes are not a WebAssembly module: no magic (at offset 0).'],
  ],
  ERR_MODULE_INVALID: [
    [{ offset: 9, reason: 'type mismatch' }, 'The module does not validate: type mismatch (at offset 9).'],
  ],
  ERR_MODULE_TOO_COMPLEX: [
    [
      { cap: 'functions', value: 200001, max: 200000 },
      "The module is too complex: functions is 200,001, allowed is 200,000. Raise the engine's complexity.functions if you trust it.",
    ],
  ],
  ERR_COMPILE_TIMEOUT: [[{}, 'The module took too long to compile (limits.compileMs).']],
  ERR_IMPORT_MISSING: [
    [
      {
        imports: [
          { module: 'env', name: 'ad', expected: '(i32) -> ()', near: ['add'] },
          { module: 'env', name: 'mem', expected: 'a memory', near: [] },
          { module: 'env', name: 'f', expected: '() -> ()', actual: '(i32) -> ()', near: [] },
        ],
      },
      'The module\'s imports are not all given: "env.ad" (i32) -> () is missing, did you mean "add"?; "env.mem" a memory is missing; "env.f" () -> (), given is (i32) -> ().',
    ],
  ],
  ERR_IMPORT_TYPE: [
    [
      { imports: [{ module: 'env', name: 'f', expected: '() -> ()', actual: '(i32) -> ()', near: [] }] },
      'Imports have another type than the module wants: "env.f" () -> (), given is (i32) -> ().',
    ],
  ],
  ERR_EXPORT_NOT_FOUND: [
    [{ name: 'fob', near: ['fib'] }, 'The module exports no function "fob". Did you mean "fib"?'],
    [
      { name: 'fib', expected: '(i32, i32) -> (i64)', near: [] },
      'The module exports no function "fib" of type (i32, i32) -> (i64).',
    ],
  ],
  ERR_TRAP: [
    [{ trap: 'unreachable' }, 'The guest trapped: it executed "unreachable".'],
    [
      { trap: 'indirect_call_mismatch' },
      'The guest trapped: it called a table element that is null or has another type.',
    ],
  ],
  ERR_STACK_OVERFLOW: [
    [{ limit: 3000 }, "The guest's calls are nested too deeply: allowed are 3,000 weighted frames (limits.callDepth)."],
  ],
  ERR_FUEL_EXHAUSTED: [
    [
      { used: 1000000n, limit: 1000000n },
      'The guest used all of its fuel: 1,000,000 operators. Give the call more ("fuel", "meteringLimit") if the work needs it.',
    ],
  ],
  ERR_TIMEOUT: [[{ limit: 1_500 }, 'The guest was stopped at its deadline, 1,500 ms after the call ("timeoutMs").']],
  ERR_ABORTED: [[{}, 'The call was aborted.']],
  ERR_MEMORY_LIMIT: [
    [
      { limit: 65536, value: 131072 },
      "The memory would have 131,072 bytes, allowed are 65,536 (limits.memoryBytes, or the module's own maximum).",
    ],
  ],
  ERR_TABLE_LIMIT: [
    [
      { limit: 1, value: 2 },
      "The tables would have 2 elements, allowed are 1 (limits.tableElements, or the table's own maximum).",
    ],
  ],
  ERR_OUT_OF_MEMORY: [
    [
      { resource: 'growth', limit: 0, value: 0 },
      'The machine could not serve a growth of memory that the limits allow. Free memory, or lower limits.memoryBytes.',
    ],
    [
      { resource: 'instances', limit: 100000, value: 100001 },
      'The engine has 100,000 live instances, which are all that limits.instances allows. Close some.',
    ],
  ],
  ERR_OUTPUT_LIMIT: [[{ limit: 10, value: 11 }, 'The guest returned 11 bytes, allowed are 10 (limits.outputBytes).']],
  ERR_CALL_DEPTH: [[{ limit: 16 }, 'Guest and host call each other too deeply: allowed are 16 levels.']],
  ERR_HOST_CALL_LIMIT: [
    [{ limit: 3, value: 4 }, 'The guest called host functions too often: allowed are 3 calls (limits.hostCalls).'],
  ],
  ERR_GUEST: [
    [{ message: 'no such row' }, 'The guest returned an error: no such row'],
    [{ message: '' }, 'The guest returned an error without a message.'],
    [
      { message: 'index out of bounds', kind: 'panic', file: 'src/lib.rs', line: 7 },
      'The guest returned an error: index out of bounds (src/lib.rs:7)',
    ],
    [{ message: 'a\u001b[2Jb' }, 'The guest returned an error: a\\u{1b}[2Jb'],
  ],
  ERR_GUEST_POINTER: [
    [{ ptr: 70000, len: 8, memory: 65536 }, 'The guest gave 8 bytes at 70,000, outside its memory of 65,536 bytes.'],
    [{ ptr: 0, len: 8, memory: 65536 }, "The guest's allocator had no room for 8 bytes."],
  ],
  ERR_HOST_FUNCTION: [[{ name: 'log' }, 'The host function "log" failed; the cause is what it threw.']],
  ERR_HOST_TIMEOUT: [[{ name: 'log' }, 'The host function "log" passed its deadline.']],
  ERR_ASYNC_HOST_IN_SYNC: [
    [
      { name: 'log' },
      'The host function "log" returned a promise, and nothing can wait for it here. Return the value itself.',
    ],
  ],
  ERR_INSTANCE_BUSY: [
    [
      {},
      'The instance is running another call. Wait for that call, use "call", which waits for its turn, or take another instance.',
    ],
  ],
  ERR_INSTANCE_CLOSED: [[{}, 'The instance is closed. Take a new one.']],
  ERR_INSTANCE_POISONED: [
    [
      { reason: 'ERR_TRAP' },
      'The instance is unusable since a call ended with ERR_TRAP. Take a new one, or instantiate with afterTrap: "keep".',
    ],
    ...['ERR_TIMEOUT', 'ERR_ABORTED', 'ERR_FUEL_EXHAUSTED', 'ERR_OUT_OF_MEMORY'].map((reason): [Details, string] => [
      { reason },
      `The instance is unusable since a call ended with ${reason}. Take a new one.`,
    ]),
  ],
  ERR_ENGINE_CLOSED: [
    [{ closed: 'engine' }, 'The engine is closed.'],
    [{ closed: 'module' }, 'The module is closed.'],
  ],
  ERR_QUEUE_FULL: [
    [
      { limit: 10000 },
      'Too many calls are waiting: allowed are 10,000 (option "queue"). Try again later, or make fewer calls at once.',
    ],
  ],
  ERR_ENVELOPE_MAGIC: [
    [{ expected: 0x4149, actual: 0x100 }, 'The bytes are not an envelope: they begin with 0x0100, expected 0x4149.'],
    [
      { expected: 0x4149, actual: 0x4941 },
      'The bytes are an envelope with swapped bytes: the magic number must be written in little-endian order.',
    ],
  ],
  ERR_ENVELOPE_VERSION: [[{ expected: 1, actual: 2 }, 'The envelope has version 2, expected 1.']],
  ERR_ENVELOPE_FLAGS: [[{ expected: 15, actual: 16 }, 'The envelope has unknown flags: 0x10, known are 0x0f.']],
  ERR_ENVELOPE_LENGTH: [[{ expected: 3, actual: 4 }, 'The envelope has 4 bytes, expected 3.']],
  ERR_ENVELOPE_CHECKSUM: [
    [
      { expected: 1, actual: 0xdeadbeef },
      "The envelope's payload is damaged: its checksum is 0xdeadbeef, expected 0x00000001.",
    ],
  ],
  ERR_ENVELOPE_COMPRESSION: [
    [{}, 'The envelope is marked as compressed, and its payload is not an LZ4 block with its size before it.'],
  ],
  ERR_ENVELOPE_ENCRYPTION: [[{}, 'The envelope is encrypted, and there is no cipher for it or the cipher refused it.']],
  ERR_ENVELOPE_LIMIT: [[{ expected: 10, actual: 11 }, "The envelope's payload is 11 bytes, allowed are 10."]],
  ERR_ARTIFACT_REJECTED: [[{ reason: 'damaged' }, 'The compiled artifact cannot be used: damaged.']],
  ERR_WASI_EXIT: [[{ exitCode: 3 }, 'The guest exited with status 3.']],
  ERR_INTERNAL: [[{ reason: 'x' }, 'A fault of aingle-wasm itself: x. Please report it.']],
};

describe('messages', () => {
  test.each(CODES.flatMap((code) => MESSAGES[code].map(([details, text]) => [code, details, text] as const)))(
    '%s, case %#',
    (code, details, text) => {
      expect(message(code, details)).toBe(text);
    },
  );
});

describe('AingleWasmError', () => {
  const error = createError('ERR_GUEST', 'call', { message: 'no' }, undefined);

  test('has its code, phase, details and cause', () => {
    expect(error).toMatchObject({ name: 'AingleWasmError', code: 'ERR_GUEST', phase: 'call', retryable: false });
    expect(Object.isFrozen(error.details) && Object.getPrototypeOf(error.details) === null).toBe(true);
    expect('cause' in error && error.cause === undefined).toBe(true);
    expect('cause' in createError('ERR_GUEST', 'call', {})).toBe(false);
    expect(error.stack).toMatch(/^AingleWasmError: The guest returned an error: no\n/);
  });

  test('what may succeed later says so', () => {
    const retryable = CODES.filter((code) => createError(code, 'call', { imports: [] }).retryable);
    expect(retryable).toEqual(['ERR_OUT_OF_MEMORY', 'ERR_INSTANCE_BUSY', 'ERR_QUEUE_FULL']);
  });

  test('a structured clone keeps message, cause and stack', () => {
    const clone = structuredClone(createError('ERR_HOST_FUNCTION', 'host', { name: 'f' }, new TypeError('inner')));
    expect(clone).toBeInstanceOf(Error);
    expect(clone.message).toBe('The host function "f" failed; the cause is what it threw.');
    expect(clone.cause).toMatchObject({ name: 'TypeError', message: 'inner' });
    expect(clone.stack).toMatch(/^AingleWasmError: /);
  });

  test('is the class that the package exports', async () => {
    const { envelope } = await import('aingle-wasm');
    expect(() => envelope.decode(new Uint8Array(0))).toThrow(AingleWasmError);
  });
});

describe("a caller's mistakes", () => {
  test.each([
    [invalidType('a.b', 'a number', 1n), TypeError, 'ERR_INVALID_ARG_TYPE', 1n],
    [invalidValue('a.b', 'allowed is "x"', 'y'), TypeError, 'ERR_INVALID_ARG_VALUE', 'y'],
    [outOfRange('a.b', '1 to 2', 3), RangeError, 'ERR_OUT_OF_RANGE', 3],
  ])('%#', (error, type, code, value) => {
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ code, details: { option: 'a.b', value } });
    expect(error.stack).not.toContain('argumentError');
  });
});
