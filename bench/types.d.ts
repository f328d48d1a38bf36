// What the benches use of V8's WebAssembly besides what src/webassembly.d.ts declares.
declare namespace WebAssembly {
  function validate(bytes: Uint8Array): boolean;

  namespace Module {
    function imports(module: Module): readonly { readonly module: string; readonly name: string }[];
  }
}
