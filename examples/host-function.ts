// What a guest may do is what its host functions do: numbers in and out by `imports`, bytes in and out by `host`.
//
//   tsx examples/host-function.ts
import { join } from 'node:path';
import { Engine, hostFunction } from 'aingle-wasm';

const GUEST = join(__dirname, '..', 'guests', 'build', 'hostcall.wasm');

/** Imports a function of numbers and calls it with 20 and 22. */
const NUMBERS = `(module
  (import "host" "add" (func $add (param i32 i32) (result i32)))
  (func (export "answer") (result i32) (call $add (i32.const 20) (i32.const 22))))`;

async function main(): Promise<void> {
  const engine = new Engine();
  await numbers(engine);
  await bytes(engine);
  await engine.close();
}

/** A plain function takes the import's own type. `hostFunction` says more about it: here, that a call costs 1,000 operators. */
async function numbers(engine: Engine): Promise<void> {
  const module = engine.compileSync(await assemble(NUMBERS));
  const free = await module.instantiate({ imports: { host: { add: (a, b) => a + b } } });
  const [sum] = await free.invoke('answer');
  console.log(`20 + 22 = ${sum}, ${free.fuelUsed} operators`);

  const add = hostFunction((a, b) => a + b, { params: ['i32', 'i32'], results: ['i32'], cost: 1_000 });
  const priced = await module.instantiate({ imports: { host: { add } } });
  await priced.invoke('answer');
  console.log(`with a price of 1,000: ${priced.fuelUsed} operators`);
}

/** A function of bytes gets the guest's message and a context: the call's data, the fuel that is left, and a way to charge for work. */
async function bytes(engine: Engine): Promise<void> {
  const module = await engine.compile(GUEST);
  const instance = await module.instantiate({
    host: {
      __my_host_fn: (input, context) => {
        const { user } = context.data as { user: string };
        context.charge(10 * input.bytes.length);
        return `${user} says ${input.text()}`;
      },
    },
  });
  const result = await instance.call('my_function', 'good morning', { data: { user: 'Ada' } });
  console.log(`${result.text()} (${result.receipt.hostCalls} host call, ${result.fuelUsed} operators)`);
}

/** Text to binary, by the development dependency `wabt`. Guests usually come as files. */
async function assemble(text: string): Promise<Uint8Array> {
  const { default: wabt } = await import('wabt');
  return (await wabt()).parseWat('example.wat', text).toBinary({}).buffer;
}

void main();
