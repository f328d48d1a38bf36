// Messages for whoever subscribes, and nothing for others.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type CallMessage, type CompileMessage, Engine } from 'aingle-wasm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BACKENDS } from '../conformance/support/backends';
import { wat } from '../conformance/support/wat';

const CHANNELS = ['compile', 'call', 'stop', 'poison'] as const;
const GUEST = wat(`
  (memory 1) (func (export "malloc") (param i32) (result i32) (i32.const 64)) (func (export "free") (param i32))
  (func (export "bytes") (param i32 i32) (result i64) (i64.const 0))
  (func (export "number") (result i32) (i32.const 7))
  (func (export "trap") unreachable)
  (func (export "spin") (loop (br 0)))`);

let messages: [string, CompileMessage | CallMessage][];
const listeners = CHANNELS.map((name) => {
  const listen = (message: unknown) => void messages.push([name, message as CallMessage]);
  return [`aingle-wasm:${name}`, listen] as const;
});

beforeEach(() => {
  messages = [];
  for (const [channel, listen] of listeners) subscribe(channel, listen);
});

afterEach(() => {
  for (const [channel, listen] of listeners) unsubscribe(channel, listen);
});

describe.each(BACKENDS)('on %s', (backend) => {
  const make = async () => {
    const engine = new Engine({ backend });
    const module = await engine.compile(GUEST);
    return { engine, module, instance: await module.instantiate() };
  };

  test('every way to call tells of its end', async () => {
    const { engine, module, instance } = await make();
    await instance.call('bytes', 'x');
    instance.callSync('bytes', 'x');
    instance.callRaw('bytes', Uint8Array.of(1));
    await instance.invoke('number');
    instance.exports.number!();
    await engine.close();
    expect(messages.map(([channel]) => channel)).toEqual(['compile', 'call', 'call', 'call', 'call', 'call']);
    expect(messages[0]![1]).toMatchObject({ module });
    const calls = messages.slice(1).map(([, message]) => message as CallMessage);
    expect(calls.every((message) => message.instance === instance && message.error === undefined)).toBe(true);
    expect(calls.map(({ name }) => name)).toEqual(['bytes', 'bytes', 'bytes', 'number', 'number']);
    expect(calls.map(({ receipt }) => receipt?.bytesIn)).toEqual([1, 1, undefined, undefined, undefined]);
  });

  test('stops and poisoned instances have channels of their own', async () => {
    const { engine, instance } = await make();
    await instance.invoke('spin', [], { fuel: 100 }).catch(() => {});
    await instance.invoke('spin').catch(() => {});
    const other = await instance.module.instantiate();
    await other.invoke('trap').catch(() => {});
    await engine.close();
    const seen = messages.slice(1).map(([channel, message]) => [channel, (message.error as { code: string }).code]);
    expect(seen).toEqual([
      ['call', 'ERR_FUEL_EXHAUSTED'],
      ['stop', 'ERR_FUEL_EXHAUSTED'],
      ['poison', 'ERR_FUEL_EXHAUSTED'],
      ['call', 'ERR_INSTANCE_POISONED'],
      ['call', 'ERR_TRAP'],
      ['poison', 'ERR_TRAP'],
    ]);
  });

  test('a compilation that fails says why', async () => {
    const engine = new Engine({ backend });
    await engine.compile(new Uint8Array(3)).catch(() => {});
    await engine.close();
    expect(messages).toMatchObject([['compile', { error: { code: 'ERR_MODULE_MALFORMED' } }]]);
    expect((messages[0]![1] as CompileMessage).wallMs).toBeGreaterThan(0);
  });
});
