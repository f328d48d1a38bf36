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
    constructor(type: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }

  class Table {
    constructor(type: { element: 'anyfunc' | 'externref'; initial: number; maximum: number }, value: unknown);
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value: unknown): void;
    grow(by: number, value: unknown): number;
  }

  type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref';

  class Global<T extends ValueType> {
    constructor(type: { value: T; mutable: boolean }, value: number | bigint);
    value: ValueType extends T ? number | bigint : T extends 'i64' ? bigint : number;
  }

  class RuntimeError extends Error {}

  function compile(bytes: Uint8Array): Promise<Module>;
}
