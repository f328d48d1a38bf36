// Programs in processes of their own: what they test could end the process, or needs flags.
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wat } from '../conformance/support/wat';

/** How a program ended. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
  /** Milliseconds from start to end. */
  readonly ms: number;
}

export interface ProgramSettings {
  readonly flags?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly launcher?: readonly string[];
}

/**
 * Runs a file of `programs/`.
 *
 * @param args handed to the program
 * @param flags of Node
 * @param launcher a program, with its first arguments, that starts Node
 */
export function runProgram(
  name: string,
  args: readonly string[] = [],
  { flags = [], env = {}, launcher = [] }: ProgramSettings = {},
): Promise<Ended> {
  const file = fileURLToPath(new URL(`programs/${name}.mjs`, import.meta.url));
  const begun = performance.now();
  const [program, ...rest] = [...launcher, process.execPath, ...flags, file, ...args];
  const child = spawn(program!, rest, { env: { ...process.env, ...env } });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      resolve({ status, signal, output: output.trim(), errors, ms: performance.now() - begun });
    });
  });
}

/** Writes a module where a program can read it and returns its path. */
export async function moduleFile(name: string, text: string): Promise<string> {
  const file = join(tmpdir(), `aingle-wasm-${process.pid}-${name}.wasm`);
  await writeFile(file, wat(text));
  return file;
}

/** A guest of all that these tests need: bytes in and out, a loop that ends with its fuel, a call of the host. */
export const GUEST = `
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (memory (export "memory") 8)
  (func (export "malloc") (param i32) (result i32) (i32.const 1024))
  (func (export "free") (param i32))
  (func (export "same") (param $ptr i32) (param $len i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.extend_i32_u (local.get $len))))
  (func (export "sum") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1)))
  (func (export "spin") (param $n i64)
    (loop (br_if 0 (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0)))))
  (func (export "forever") (loop (br 0)))
  (func (export "chat") (loop (drop (call $add (i32.const 1) (i32.const 2))) (br 0)))`;
