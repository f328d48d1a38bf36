// Choosing a limit: measure what sample inputs cost, and give calls a few times the largest.
//
//   node examples/measure.mjs
import { Engine } from 'aingle-wasm';

const engine = new Engine();
const module = await engine.compile(new URL('../guests/build/echo.wasm', import.meta.url));

const names = Array.from({ length: 200 }, (_, i) => 'Ada '.repeat(i + 1));
const { count, failed, min, p50, p99, max } = await engine.measure(module, 'greet', names);
console.log(`${count} inputs, ${failed} failed: min ${min}, p50 ${p50}, p99 ${p99}, max ${max} operators`);

const fuel = 4n * max;
const instance = await module.instantiate();
const { fuelUsed } = await instance.call('greet', 'Ada', { fuel });
console.log(`a limit of ${fuel}, of which one greeting uses ${fuelUsed}`);

// A guest that was stopped is not used again.
const stopped = await module.instantiate();
await stopped.call('greet', 'Ada '.repeat(10_000), { fuel }).catch(({ code }) => console.log(`40,000 bytes: ${code}`));

await engine.close();
