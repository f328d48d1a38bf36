// Compiles src/*.c and src/*.wat to the .wasm files beside this script, and runs each against kernels.json.
// Only needed after a change of a source: the results are committed, see README.md.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, run } from '../../scripts/process.mjs';
import { assemble } from '../wat.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));
const COMPILERS = [process.env.CLANG, 'clang-19', 'clang'];
const FLAGS =
  '--target=wasm32 -mcpu=mvp -mmutable-globals -msign-ext -mnontrapping-fptoint -O2 -std=c11 -Wall -Wextra -Werror -Wno-unused-function ' +
  '-Wno-unused-variable -ffreestanding -fno-builtin -nostdlib -Wl,--no-entry -Wl,--strip-debug -Wl,-z,stack-size=16384';
/** Features of single kernels. */
const MORE_FLAGS = { simd: ['-msimd128'], bulk: ['-mbulk-memory'] };

const compiler = await findCompiler();
for (const source of (await readdir(join(folder, 'src'))).sort()) {
  const name = basename(source, extname(source));
  if (source.endsWith('.c')) await compile(name);
  else if (source.endsWith('.wat')) await writeFile(file(name), await assemble(join(folder, 'src', source)));
}
await check();

async function findCompiler() {
  for (const name of COMPILERS) if (name && (await ask(name, ['--version'])) !== undefined) return name;
  throw new Error('clang is missing: install clang-19 and lld-19, or name one in CLANG');
}

async function compile(name) {
  const flags = [...FLAGS.split(' '), ...(MORE_FLAGS[name] ?? [])];
  await run(compiler, [...flags, '-o', file(name), join('src', `${name}.c`)], { cwd: folder });
}

/** Every kernel gives its expected result, and no file is missing from the list. */
async function check() {
  const kernels = JSON.parse(await readFile(join(folder, 'kernels.json'), 'utf8'));
  for (const { name, file: wasm, export: exported, args, result } of kernels) {
    const bytes = await readFile(join(folder, wasm));
    const { instance } = await WebAssembly.instantiate(bytes);
    const actual = String(instance.exports[exported](...args));
    console.log(`${name}: ${bytes.length} bytes, ${actual}`);
    if (actual !== String(result)) throw new Error(`${name} gives ${actual}, kernels.json says ${result}`);
  }
  const listed = new Set(kernels.map((kernel) => kernel.file));
  const unlisted = (await readdir(folder)).filter((entry) => entry.endsWith('.wasm') && !listed.has(entry));
  if (unlisted.length > 0) throw new Error(`not in kernels.json: ${unlisted.join(', ')}`);
}

function file(name) {
  return join(folder, `${name}.wasm`);
}
