// The package under test, from a folder in which it is installed (AINGLE_WASM_SMOKE_HOME) or from this checkout, and the backends that it
// must have there (AINGLE_WASM_SMOKE_BACKENDS), the default one first.
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { join } = require('node:path');

const root = join(__dirname, '..', '..');
const home = process.env.AINGLE_WASM_SMOKE_HOME;
const file = home === undefined ? join(root, 'index.js') : createRequire(join(home, 'x.cjs')).resolve('aingle-wasm');

/** @type {typeof import('../../dist/index.js')} */
const api = require(file);
const backends = (process.env.AINGLE_WASM_SMOKE_BACKENDS ?? 'wasmer,wasmi,v8').split(',');

/** A guest of this checkout. */
function guest(...path) {
  return readFileSync(join(root, 'guests', ...path));
}

/** What a call is refused or stopped with; it must be one of ours. */
async function errorOf(call) {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof api.AingleWasmError, String(error));
    return error;
  }
  return assert.fail('the call returned');
}

module.exports = { ...api, file, backends, guest, errorOf };
