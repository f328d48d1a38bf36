import { createError } from '../../errors/error';

/** Compiles a prepared module on this thread. */
export function compileNow(bytes: Uint8Array): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    // V8 refuses what `prepare` accepted: a fault of ours, or a limit of V8 beyond which the caller has raised a cap.
    throw createError('ERR_INTERNAL', 'compile', { reason: `V8 did not compile the prepared module: ${error}` }, error);
  }
}
