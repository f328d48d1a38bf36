// `prepare` takes time and memory linear in whatever a module controls. They are counted, not timed: prepare itself, which the v8
// backend has as WebAssembly, runs as a guest here, and its fuel says how many operators it executed and how far its memory grew.
import { readFileSync } from 'node:fs';
import { Engine, type Module } from 'aingle-wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SHAPES } from './support/growing-shapes';

/** Sizes of a shape to compare. */
const [SMALL, LARGE] = [1_000, 4_000];
/** Four times as much of something may cost little more than four times as much; what is quadratic costs up to sixteen times. */
const MOST = 4.8;
/** A cap that nothing here reaches. */
const UNLIMITED = 2 ** 50;

/** Forms that between them have everything a backend can ask for. */
const FORMS = {
  'compiled code': { interruption: 'floors', unroll: true, adapters: 'bits' },
  'an interpreter': { interruption: 'stop', growth: 'host', markConversions: true, sliceable: true },
};

type Numeric = Readonly<Record<string, (...values: number[]) => number>>;

let engine: Engine;
let prepare: Module;

beforeAll(async () => {
  engine = new Engine({ backend: 'v8' });
  prepare = await engine.compile(readFileSync(new URL('../../dist/fallback.wasm', import.meta.url)));
});

afterAll(() => engine.close());

describe.each(Object.entries(FORMS))('prepare for %s', (_, form) => {
  test.each(Object.entries(SHAPES))('is linear in %s', (_, shape) => {
    const [small, large] = [SMALL, LARGE].map((size) => fuelOf(shape(size), form)) as [number, number];
    expect(large / small).toBeLessThan(MOST);
  });
});

/** What it costs to prepare a module, which must be accepted. */
function fuelOf(wasm: Uint8Array, form: object): number {
  const instance = prepare.instantiateSync();
  const { allocate, prepare: run, answer_refused: refused } = instance.exports as Numeric;
  const complexity = Object.fromEntries(Object.keys(engine.options.complexity).map((name) => [name, UNLIMITED]));
  const config = Buffer.from(JSON.stringify({ ...form, complexity }));
  const [module, options] = [wasm, config].map((bytes) => {
    const pointer = allocate!(bytes.length);
    instance.memory!.write(pointer, bytes);
    return pointer;
  });
  const answer = run!(module!, wasm.length, options!, config.length);
  const fuel = Number(instance.fuelUsed);
  expect(refused!(answer), 'the module is accepted').toBe(0);
  instance.close();
  return fuel;
}
