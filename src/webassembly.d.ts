// V8's WebAssembly, as far as the v8 backend uses it. Node's own types leave it to the DOM library, which this package does not need.
declare namespace WebAssembly {
  type Exports = Record<string, unknown>;
  type Imports = Record<string, Record<string, unknown>>;

  class Module {
    constructor(bytes: Uint8Array);
  }

  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }

  class Memory {
    private constructor();
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }

  class Global<T extends 'i32' | 'i64'> {
    private constructor();
    value: T extends 'i64' ? bigint : number;
  }

  class RuntimeError extends Error {}

  function compile(bytes: Uint8Array): Promise<Module>;
}
