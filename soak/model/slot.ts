// A place for an instance of the model, with what is under way on it.
import type { HostContext, Instance, Module } from 'aingle-wasm';
import { codeOf } from '../guest';

export type State = 'idle' | 'host' | 'poisoned' | 'closed';

/** A host call that waits until a step answers it. */
export interface Gate {
  readonly context: HostContext;
  resolve(text: string): void;
  reject(reason: unknown): void;
}

/** A call under way: what it comes to, and what aborts it. */
export interface Pending {
  readonly code: Promise<string>;
  readonly controller: AbortController;
}

export class Slot {
  readonly #module: Module;
  instance!: Instance;
  /** The host function `ask`, as the running step wants it. */
  ask: (value: number) => unknown = (value) => value + 1;
  /** The guest waits behind it in state `host`. */
  gate: Gate | undefined;
  running: Pending | undefined;
  /** Calls that wait for their turn behind the running one. */
  queued: Pending[] = [];

  private constructor(module: Module) {
    this.#module = module;
  }

  static async make(module: Module): Promise<Slot> {
    const slot = new Slot(module);
    await slot.replace();
    return slot;
  }

  async replace(): Promise<void> {
    this.instance?.close();
    this.instance = await this.#module.instantiate({
      imports: { env: { ask: (value: number) => this.ask(value) } },
      host: {
        serve: (_, context) =>
          new Promise<string>((resolve, reject) => {
            this.gate = { context, resolve, reject };
          }),
      },
    });
  }

  /** Begins a call that waits in its host function, and resolves when it does. */
  async open(): Promise<void> {
    this.gate = undefined;
    this.running = this.begin('relay');
    while (this.gate === undefined) await new Promise(setImmediate);
  }

  begin(name: string): Pending {
    const controller = new AbortController();
    return { code: codeOf(this.instance.call(name, 'text', { signal: controller.signal })), controller };
  }

  /** What the running call and those behind it come to, after which nothing is under way. */
  async settle(): Promise<string[]> {
    const codes = await Promise.all([this.running, ...this.queued].map((pending) => pending!.code));
    this.running = undefined;
    this.queued = [];
    return codes;
  }

  async close(): Promise<void> {
    this.instance.close();
    if (this.running !== undefined) await this.settle();
  }
}
