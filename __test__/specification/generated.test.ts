// Generated modules through the public API: every backend gives the same results, traps, fuel and memory, also where a call is stopped.
// `AINGLE_WASM_MODULES` asks for more modules than CI runs, `AINGLE_WASM_SEED` for others: a difference names its seed.
import { Engine, type Module } from 'aingle-wasm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BACKENDS } from '../conformance/support/backends';
import { exportGenerated, readGenerated } from './support/script';
import { observe, plan } from './support/session';

/** cargo may have to compile the exporter first. */
const EXPORT_MS = 600_000;
const RUN_MS = 600_000;
/** A shallow depth: a trap costs the more on wasmer the deeper the stack is. */
const LIMITS = { memoryBytes: 64 * 65_536, tableElements: 100_000, callDepth: 200 };
const SETTINGS = { limits: LIMITS, meteringLimit: 20_000n } as const;

const engines: Engine[] = [];

beforeAll(() => {
  exportGenerated();
  for (const backend of BACKENDS) engines.push(new Engine({ backend, ...SETTINGS }));
}, EXPORT_MS);

afterAll(() => Promise.all(engines.map((engine) => engine.close())));

test(`${BACKENDS.join(', ')} do and count the same`, { timeout: RUN_MS }, () => {
  const ends: Record<string, number> = {};
  for (const { seed, wasm } of readGenerated()) {
    const modules = engines.map((engine) => engine.compileSync(wasm));
    const calls = plan(seed, modules[0] as Module);
    const [first, ...others] = modules.map((module) => observe(module, calls));
    for (const [index, other] of others.entries()) {
      expect(other, `seed ${seed}: ${BACKENDS[index + 1]} and ${BACKENDS[0]}`).toEqual(first);
    }
    for (const { end } of first!) ends[end] = (ends[end] ?? 0) + 1;
    for (const module of modules) module.close();
  }
  console.log(`${BACKENDS.join(', ')}: ${JSON.stringify(ends)}`);
  expect(ends.returned).toBeGreaterThan(0);
  expect(ends.ERR_FUEL_EXHAUSTED).toBeGreaterThan(0);
  expect(ends['ERR_TRAP unreachable']).toBeGreaterThan(0);
});
