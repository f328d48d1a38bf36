// Which backends the suite runs on. All of them must be there: a suite that silently skips the native one proves nothing.
import { type BackendKind, Engine } from 'aingle-wasm';

const DEFAULT: readonly BackendKind[] = ['wasmer', 'wasmi', 'v8'];

/** `AINGLE_WASM_TEST_BACKENDS` (comma-separated) chooses others, for machines that cannot run all. */
export const BACKENDS: readonly BackendKind[] = (
  process.env.AINGLE_WASM_TEST_BACKENDS?.split(',').map((name) => name.trim() as BackendKind) ?? DEFAULT
).map(requireBackend);

function requireBackend(kind: BackendKind): BackendKind {
  const { backend } = new Engine({ backend: kind });
  if (backend.kind !== kind) throw new Error(`asked for the backend ${kind}, got ${backend.kind}`);
  return kind;
}
