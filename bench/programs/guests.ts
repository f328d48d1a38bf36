// Instances of programs: in V8 by hand, and in an engine of ours.
import type { Engine } from 'aingle-wasm';
import { exportsByHand } from '../by-hand';
import type { Guest } from './program';

/** What WASI calls a bad file descriptor: the answer to all imports, which these programs do not use for their work. */
const BAD_DESCRIPTOR = 8;

export function guestByHand(bytes: Uint8Array): Guest {
  const imports = stubs(WebAssembly.Module.imports(new WebAssembly.Module(bytes)));
  const exports = exportsByHand(bytes, imports);
  exports._initialize?.();
  return {
    call: (name, ...args) => exports[name](...args),
    read: (ptr, length) => new Uint8Array(exports.memory.buffer, ptr >>> 0, length).slice(),
    write: (ptr, from) => new Uint8Array(exports.memory.buffer).set(from, ptr >>> 0),
  };
}

export function guestOf(engine: Engine, bytes: Uint8Array): Guest {
  const module = engine.compileSync(bytes);
  const { exports, memory } = module.instantiateSync({ imports: stubs(module.imports) });
  return {
    call: (name, ...args) => exports[name]!(...args) as number,
    read: (ptr, length) => memory.read(ptr >>> 0, length),
    write: (ptr, from) => memory.write(ptr >>> 0, from),
  };
}

/** A function for each import. */
function stubs(imports: readonly { module: string; name: string }[]): Record<string, Record<string, () => number>> {
  const all: Record<string, Record<string, () => number>> = {};
  for (const { module, name } of imports) {
    const functions = all[module] ?? {};
    functions[name] = () => BAD_DESCRIPTOR;
    all[module] = functions;
  }
  return all;
}
