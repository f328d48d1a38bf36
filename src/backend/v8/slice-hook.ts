// A function of WebAssembly for the hook that a sliceable guest calls: tables take no others.

/** (module (import "host" "slice" (func (param i64) (result i64))) (export "slice" (func 0))) */
const MODULE = 'AGFzbQEAAAABBgFgAX4BfgIOAQRob3N0BXNsaWNlAAAHCQEFc2xpY2UAAA==';

let compiled: WebAssembly.Module | undefined;

/** The same function as one that a table can hold. */
export function sliceHook(slice: (rest: bigint) => bigint): unknown {
  compiled ??= new WebAssembly.Module(Buffer.from(MODULE, 'base64'));
  return new WebAssembly.Instance(compiled, { host: { slice } }).exports.slice;
}
