// Every limit, reached: who sets it, what stops the guest, and which code the caller gets.
//
//   tsx examples/limits.ts
import { join } from 'node:path';
import { AingleWasmError, Engine, type InstanceOptions, type Module } from 'aingle-wasm';

const BUILD = join(__dirname, '..', 'guests', 'build');
const MIB = 1024 * 1024;

/** The engine's limits hold for all of its instances; an instance or a call may ask for less. */
const engine = new Engine({
  meteringLimit: 20_000_000n,
  limits: { memoryBytes: 8 * MIB, callDepth: 1_000, outputBytes: MIB, hostCalls: 100 },
});

async function main(): Promise<void> {
  const misbehave = await engine.compile(join(BUILD, 'misbehave.wasm'));
  const hostcall = await engine.compile(join(BUILD, 'hostcall.wasm'));
  const host = { __my_host_fn: () => 'again' };

  await attempt('fuel', misbehave, 'loop_forever');
  await attempt('fuel of one call', misbehave, 'loop_forever', '', { fuel: 1_000 });
  await attempt('callDepth', misbehave, 'recurse');
  await attempt('memoryBytes', misbehave, 'grow_until_refused');
  await attempt(
    'memoryBytes of one instance',
    misbehave,
    'grow_until_refused',
    '',
    {},
    { limits: { memoryBytes: 2 * MIB } },
  );
  await attempt('outputBytes', misbehave, 'large_output', String(2 * MIB));
  await attempt('hostCalls', hostcall, 'flood', 'x', {}, { host });
  await engine.close();
}

/** One call in an instance of its own: a guest that was stopped is not used again. */
async function attempt(
  limit: string,
  module: Module,
  name: string,
  input = '',
  call: { fuel?: number } = {},
  options: InstanceOptions = {},
): Promise<void> {
  using instance = await module.instantiate(options);
  try {
    const result = await instance.call(name, input, call);
    // A memory at its cap is no error: `memory.grow` returns −1 inside the guest, which goes on with what it has.
    report(limit, `returned: the guest got ${result.text()} pages of 64 KiB`);
  } catch (error) {
    if (!(error instanceof AingleWasmError)) throw error;
    report(limit, `${error.code} ${error.message}`);
  }
}

function report(limit: string, outcome: string): void {
  console.log(`${limit.padEnd(28)} ${outcome}`);
}

void main();
