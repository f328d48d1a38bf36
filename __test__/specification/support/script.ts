// What crates/specification writes for other languages: a folder for each script, with its commands and its modules, and generated modules.
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const suite = new URL('../../../guests/build/specification/', import.meta.url);
const generated = new URL('../../../guests/build/generated/', import.meta.url);

/** A value as the scripts write it: the bits as unsigned decimal text. */
export type ScriptValue =
  | { readonly type: 'i32' | 'i64' | 'f32' | 'f64' | 'v128'; readonly bits: string }
  | { readonly type: 'funcref' | 'externref'; readonly null: boolean; readonly object?: number };

/** What one result must be. */
export type Expected =
  | ScriptValue
  | { readonly type: 'f32' | 'f64'; readonly nan: 'canonical' | 'arithmetic' }
  | { readonly type: 'v128'; readonly lanes: readonly Expected[] }
  | { readonly null: true }
  | { readonly either: readonly Expected[] };

export interface Action {
  /** The instance; the current one if null. */
  readonly instance: string | null;
  readonly export: string;
  /** Null where an exported global is read. */
  readonly arguments: readonly ScriptValue[] | null;
}

export type Command = { readonly line: number } & (
  | { readonly kind: 'module'; readonly name: string | null; readonly wasm: string }
  | { readonly kind: 'register'; readonly instance: string | null; readonly module: string }
  | { readonly kind: 'perform' | 'assertExhaustion'; readonly action: Action }
  | { readonly kind: 'assertReturn'; readonly action: Action; readonly expected: readonly Expected[] }
  | { readonly kind: 'assertTrap'; readonly action: Action; readonly message: string }
  | { readonly kind: 'assertModuleTrap' | 'assertRefused'; readonly wasm: string; readonly message: string }
  | { readonly kind: 'assertUnlinkable'; readonly wasm: string }
);

export interface Script {
  readonly group: 'core' | 'simd';
  readonly name: string;
  readonly commands: readonly Command[];
  /** The bytes of a module of the script. */
  module(file: string): Uint8Array;
}

/** A row of crates/specification/exclusions.txt. */
export interface Exclusion {
  readonly file: string;
  readonly first: number;
  readonly last: number;
  readonly reason: 'linking' | 'linking-table' | 'host-objects' | 'references' | 'globals';
}

/** Modules that CI generates. */
const GENERATED = '2000';

/** Writes the suite anew. */
export function exportSuite(): void {
  runExporter('suite', fileURLToPath(suite));
}

/** Generates the modules anew: `AINGLE_WASM_MODULES` of them, from the seed `AINGLE_WASM_SEED` on. */
export function exportGenerated(): void {
  const { AINGLE_WASM_SEED = '0', AINGLE_WASM_MODULES = GENERATED } = process.env;
  runExporter('generated', fileURLToPath(generated), AINGLE_WASM_SEED, AINGLE_WASM_MODULES);
}

/** cargo builds what has changed. */
function runExporter(...args: string[]): void {
  const program = ['--package', 'aingle_wasm_specification', '--bin', 'specification-export'];
  const options = { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] } satisfies ExecFileSyncOptions;
  execFileSync('cargo', ['run', '--quiet', '--release', ...program, '--', ...args], options);
}

export function readExclusions(): readonly Exclusion[] {
  return JSON.parse(readFileSync(new URL('exclusions.json', suite), 'utf8'));
}

/** Every script, by name. */
export function* readScripts(): Generator<Script> {
  for (const entry of readdirSync(suite, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!entry.isDirectory()) continue;
    const own = new URL(`${entry.name}/`, suite);
    const script = JSON.parse(readFileSync(new URL('script.json', own), 'utf8'));
    yield { ...script, module: (file) => readFileSync(new URL(file, own)) };
  }
}

/** Every generated module, by seed. */
export function* readGenerated(): Generator<{ readonly seed: number; readonly wasm: Uint8Array }> {
  const seeds = readdirSync(generated).map((name) => Number.parseInt(name, 10));
  for (const seed of seeds.sort((a, b) => a - b)) {
    yield { seed, wasm: readFileSync(new URL(`${seed}.wasm`, generated)) };
  }
}
