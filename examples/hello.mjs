// The shortest program: compile a guest, call it with bytes, read the result and what it cost.
//
//   node examples/hello.mjs
import { Engine } from 'aingle-wasm';

const engine = new Engine({ meteringLimit: 50_000_000n, limits: { memoryBytes: 16 * 1024 * 1024 } });
const module = await engine.compile(new URL('../guests/build/echo.wasm', import.meta.url));
const instance = await module.instantiate();

const result = await instance.call('greet', 'Ada');
console.log(result.text());
console.log(`${result.fuelUsed} operators on ${engine.backend.kind}`);

await engine.close();
