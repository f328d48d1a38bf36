// Errors have codes to decide by: whose fault it was, whether to try again, and whether the instance can go on.
//
//   tsx examples/errors.ts
import { join } from 'node:path';
import { AingleWasmError, Engine, type Instance } from 'aingle-wasm';

const GUEST = join(__dirname, '..', 'guests', 'build', 'misbehave.wasm');

async function main(): Promise<void> {
  const engine = new Engine({ meteringLimit: 20_000_000n });
  const module = await engine.compile(GUEST);

  const instance = await module.instantiate();
  await show(instance, 'error_text'); //       the guest says no: the instance is as good as before
  await show(instance, 'error_structured'); // … with kind, file and line
  await show(instance, 'no_such_function'); // the caller's mistake: nothing ran
  await show(instance, 'panic'); //            the guest broke: its memory may be half-changed, so it is not used again
  await show(instance, 'error_text'); //       … and every later call says so
  instance.close();

  const fresh = await module.instantiate();
  await show(fresh, 'loop_forever'); //        stopped: used up as well
  await engine.close();
}

async function show(instance: Instance, name: string): Promise<void> {
  try {
    await instance.call(name);
  } catch (error) {
    if (!(error instanceof AingleWasmError)) throw error;
    const again = error.retryable ? 'retryable' : 'not retryable';
    console.log(
      `${name}: ${error.code} in phase ${error.phase}, ${again}, instance ${instance.state}\n  ${error.message}`,
    );
  }
}

void main();
