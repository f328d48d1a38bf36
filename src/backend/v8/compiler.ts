// Compiles off the caller's thread: a worker prepares a module and compiles it, within the time allowed.
import { availableParallelism } from 'node:os';
import { type AingleWasmError, createError } from '../../errors/error';
import type { ModuleInfoJson } from '../backend';
import { Errand } from './worker/errand';
import { keepThread, takeThreadNow } from './worker/pool';
import { type CompileRequest, Kind } from './worker/protocol';

/** What a worker made of a module. */
export interface Compilation {
  readonly module: WebAssembly.Module;
  readonly info: ModuleInfoJson;
}

/** Compiles as many modules at once as there are cores; others wait for their turn, within their time. */
export class Compiler {
  readonly #milliseconds: number;
  readonly #running = new Set<AbortController>();
  readonly #waiting = new Set<() => void>();
  #places = availableParallelism();

  /** @param milliseconds that a module may take */
  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  /**
   * Prepares and compiles a module.
   *
   * @throws {AingleWasmError} what `prepare` refuses the module with, `ERR_COMPILE_TIMEOUT`, `ERR_ENGINE_UNAVAILABLE` without workers
   */
  async compile(request: CompileRequest): Promise<Compilation> {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(createError('ERR_COMPILE_TIMEOUT', 'compile')), this.#milliseconds);
    this.#running.add(controller);
    try {
      await this.#enter(controller.signal);
      try {
        return await compileInWorker(request, controller.signal);
      } finally {
        this.#leave();
      }
    } finally {
      clearTimeout(timer);
      this.#running.delete(controller);
    }
  }

  /** Ends all that is being compiled. */
  stop(errorFor: () => AingleWasmError): void {
    for (const controller of this.#running) controller.abort(errorFor());
  }

  #enter(signal: AbortSignal): Promise<void> {
    if (this.#places > 0) {
      this.#places--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.#waiting.add(resolve);
      signal.addEventListener('abort', () => {
        if (this.#waiting.delete(resolve)) reject(signal.reason);
      });
    });
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#places++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

async function compileInWorker(request: CompileRequest, signal: AbortSignal): Promise<Compilation> {
  const thread = takeThreadNow();
  // What V8 is compiling goes on in the thread until it is done.
  signal.addEventListener('abort', () => thread.kill(signal.reason, () => signal.reason));
  const errand = new Errand<Compilation>((channel) => channel.send(Kind.compile, undefined, request), false);
  thread.submit(errand);
  try {
    return await errand.result;
  } finally {
    if (!keepThread(thread)) thread.end();
  }
}
