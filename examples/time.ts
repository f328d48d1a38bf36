// What a guest may take of your time, and what it may wait for: a deadline, an abort, a host function that returns a promise.
//
//   tsx examples/time.ts
import { setTimeout as wait } from 'node:timers/promises';
import { type AingleWasmError, Engine, type Instance } from 'aingle-wasm';

const GUEST = `(module
  (import "host" "slow" (func $slow (param i32) (result i32)))
  (func (export "forever") (loop (br 0)))
  (func (export "ask") (param i32) (result i32) (call $slow (local.get 0))))`;

async function main(): Promise<void> {
  const engine = new Engine({ timeoutMs: 2_000 });
  const module = await engine.compile(await assemble(GUEST));
  const imports = { host: { slow: (x: number) => wait(20, 2 * x) } };
  const instance = () => module.instantiate({ imports });

  const [doubled] = await (await instance()).invoke('ask', [21]);
  console.log(`a host function that waits: ${doubled}`);
  await endless('a deadline', await instance(), { timeoutMs: 50 });
  await endless('an abort', await instance(), { signal: AbortSignal.timeout(50) });
  await engine.close();
}

/** The event loop goes on while a guest runs away: it counts its own turns meanwhile. */
async function endless(
  what: string,
  instance: Instance,
  options: { timeoutMs?: number; signal?: AbortSignal },
): Promise<void> {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  try {
    await instance.invoke('forever', [], options);
  } catch (error) {
    console.log(`${what}: ${(error as AingleWasmError).code}, and the event loop went on: ${turns > 5}`);
  } finally {
    clearInterval(timer);
  }
}

/** Text to binary, by the development dependency `wabt`. Guests usually come as files. */
async function assemble(text: string): Promise<Uint8Array> {
  const { default: wabt } = await import('wabt');
  return (await wabt()).parseWat('example.wat', text).toBinary({}).buffer;
}

void main();
