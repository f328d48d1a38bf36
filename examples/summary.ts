// The demo (`npm run demo`): a guest that works, guests that misbehave, and a program from npm that nobody here wrote, each on the
// native backend and on the JavaScript one, side by side.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import {
  AingleWasmError,
  type BackendKind,
  Engine,
  type EngineOptions,
  type Instance,
  type Module,
  type Receipt,
  version,
} from 'aingle-wasm';
import { count, heading, mebibytes, milliseconds, print, sameOrNot, table } from './layout';

const ROOT = join(__dirname, '..');
const BUILD = join(ROOT, 'guests', 'build');
const BACKENDS: readonly BackendKind[] = ['wasmer', 'v8'];
const MIB = 1024 * 1024;

async function main(): Promise<void> {
  print(`aingle-wasm ${version}: other people's WebAssembly inside Node, with limits that hold`);
  print(`Node ${process.versions.node} on ${process.platform}-${process.arch}, ${availableParallelism()} cores`);
  await summary();
  await misbehaviour();
  await stranger();
  print('\nNext: examples/ (one idea each), docs/cookbook.md, npm test, npm run bench');
}

/** Runs `body` with an engine of each backend, one after the other. */
async function onEachBackend<T>(options: EngineOptions, body: (engine: Engine) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const backend of BACKENDS) {
    await using engine = new Engine({ ...options, backend });
    results.push(await body(engine));
  }
  return results;
}

async function timed<T>(body: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const begun = performance.now();
  const value = await body();
  return { value, ms: performance.now() - begun };
}

// 1 ---------------------------------------------------------------------------------------------------------------------------------

interface Statistics {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

interface Summary {
  readonly accepted: number;
  readonly rejected: number;
  readonly rejections: readonly { line: number; reason: string }[];
  readonly sensors: Readonly<Record<string, Statistics>>;
}

interface SummaryRun {
  readonly title: string;
  readonly compileMs: number;
  readonly firstMs: number;
  readonly laterMs: number;
  readonly receipt: Receipt;
  readonly text: string;
}

const LATER_CALLS = 20;

async function summary(): Promise<void> {
  const csv = await readFile(join(BUILD, 'readings.csv'));
  heading(1, 'One guest, two backends: 10,000 lines of sensor readings in, a JSON summary out (guests/rust/summary)');
  const runs = await onEachBackend({ meteringLimit: 200_000_000n }, (engine) => summarize(engine, csv));
  const row = (label: string, show: (run: SummaryRun) => string) => [label, ...runs.map(show)];
  const same = (label: string, show: (run: SummaryRun) => string) => [...row(label, show), sameOrNot(runs.map(show))];
  table(
    [
      row('', (run) => run.title),
      row('compile', (run) => milliseconds(run.compileMs)),
      row('first call', (run) => milliseconds(run.firstMs)),
      row(`median of ${LATER_CALLS} more`, (run) => milliseconds(run.laterMs)),
      same('fuel used, in operators', (run) => count(run.receipt.fuelUsed)),
      same('fuel limit', (run) => count(run.receipt.fuelLimit)),
      same('memory after the call', (run) => `${count(run.receipt.memoryPages * 64)} KiB`),
      same('bytes in', (run) => count(run.receipt.bytesIn)),
      same('bytes out', (run) => count(run.receipt.bytesOut)),
      same('SHA-256 of the result', (run) => `${createHash('sha256').update(run.text).digest('hex').slice(0, 16)}…`),
    ],
    [1, 2],
  );
  showSummary(JSON.parse(runs[0]!.text));
}

async function summarize(engine: Engine, csv: Uint8Array): Promise<SummaryRun> {
  const { value: module, ms: compileMs } = await timed(() => engine.compile(join(BUILD, 'summary.wasm')));
  const instance = await module.instantiate();
  const { value: result, ms: firstMs } = await timed(() => instance.call('summarize', csv));
  const later: number[] = [];
  for (let index = 0; index < LATER_CALLS; index += 1)
    later.push((await timed(() => instance.call('summarize', csv))).ms);
  const laterMs = later.sort((a, b) => a - b)[LATER_CALLS / 2]!;
  return {
    title: `${engine.backend.kind} ${engine.backend.version}`,
    compileMs,
    firstMs,
    laterMs,
    receipt: result.receipt,
    text: result.text(),
  };
}

function showSummary({ accepted, rejected, rejections: [first], sensors }: Summary): void {
  const [[name, one]] = Object.entries(sensors) as [[string, Statistics]];
  print(
    `   ${count(accepted)} readings of ${Object.keys(sensors).length} sensors, ${rejected} lines rejected (line ${first?.line}: ${first?.reason}).`,
  );
  print(`   ${name}: ${one.count} readings from ${one.min} to ${one.max}, mean ${one.mean.toFixed(2)}.`);
}

// 2 ---------------------------------------------------------------------------------------------------------------------------------

/** What a guest does, and the export of guests/rust/misbehave that does it. */
const MISBEHAVIOUR: readonly (readonly [string, string])[] = [
  ['never ends', 'loop_forever'],
  ['calls itself for ever', 'recurse'],
  ['takes memory until it gets no more', 'allocate_forever'],
  ['reads outside its memory', 'out_of_bounds'],
  ['returns a pointer to nowhere', 'pointer_wild'],
  ['panics', 'panic'],
];
const CAPS = { meteringLimit: 100_000_000n, limits: { memoryBytes: 16 * MIB } };

interface Ending {
  readonly outcome: string;
  readonly ms: number;
  readonly memoryBytes: number;
}

async function misbehaviour(): Promise<void> {
  heading(2, 'Guests that misbehave, with 100,000,000 operators and 16 MiB of memory each (guests/rust/misbehave)');
  const runs = await onEachBackend(CAPS, async (engine) => {
    const module = await engine.compile(join(BUILD, 'misbehave.wasm'));
    const endings: Ending[] = [];
    for (const [, name] of MISBEHAVIOUR) endings.push(await ending(module, name));
    return { kind: engine.backend.kind, endings };
  });
  const rows = MISBEHAVIOUR.map(([what], index) => {
    const endings = runs.map((run) => run.endings[index]!);
    const effects = endings.map(({ outcome, memoryBytes }) => `${outcome} ${memoryBytes}`);
    const [first] = endings as [Ending];
    return [
      what,
      ...endings.map(({ ms }) => milliseconds(ms)),
      mebibytes(first.memoryBytes),
      first.outcome,
      sameOrNot(effects),
    ];
  });
  table([['a guest that …', ...runs.map((run) => run.kind), 'memory', 'the caller gets'], ...rows], [1, 2, 3]);
}

/** How a call ends, in an instance of its own. */
async function ending(module: Module, name: string): Promise<Ending> {
  using instance = await module.instantiate();
  const { value: outcome, ms } = await timed(() => outcomeOf(instance, name));
  return { outcome, ms, memoryBytes: instance.memory.byteLength };
}

async function outcomeOf(instance: Instance, name: string): Promise<string> {
  try {
    return (await instance.call(name)).text();
  } catch (error) {
    if (!(error instanceof AingleWasmError)) throw error;
    return error.code;
  }
}

// 3 ---------------------------------------------------------------------------------------------------------------------------------

const DEFAULT_LEVEL = 6;

async function stranger(): Promise<void> {
  const file = join(ROOT, 'package-lock.json');
  const text = await readFile(file);
  heading(
    3,
    `A program nobody here wrote: libdeflate, from the npm package @mtcute/wasm, compresses package-lock.json (${count(text.length)} bytes)`,
  );
  const runs = await onEachBackend({ meteringLimit: 1_000_000_000n }, async (engine) => {
    const { bytes, fuel, ms } = await compress(engine, text);
    const intact = inflateSync(bytes).equals(text) ? 'restores the file' : 'DOES NOT restore the file';
    return [
      engine.backend.kind,
      `${count(bytes.length)} bytes`,
      `${count(fuel)} operators`,
      milliseconds(ms),
      `node:zlib ${intact}`,
    ];
  });
  table(runs, [1, 2, 3]);
}

/** The module has no calls of bytes of its own: the caller allocates in its memory, writes, calls and reads. */
async function compress(engine: Engine, text: Uint8Array): Promise<{ bytes: Uint8Array; fuel: bigint; ms: number }> {
  const module = await engine.compile(require.resolve('@mtcute/wasm/mtcute.wasm'));
  using instance = await module.instantiate();
  const { __malloc, libdeflate_alloc_compressor, libdeflate_zlib_compress } = instance.exports;
  const room = text.length + 64;
  const [input, output] = [__malloc!(text.length), __malloc!(room)];
  const compressor = libdeflate_alloc_compressor!(DEFAULT_LEVEL);
  instance.memory.write(input, text);
  const begun = performance.now();
  const length = libdeflate_zlib_compress!(compressor, input, text.length, output, room);
  return { bytes: instance.memory.read(output, length), fuel: instance.fuelUsed, ms: performance.now() - begun };
}

void main();
