// What the runner asks of something that executes modules.
import type { Exclusion, ScriptValue } from './script';
import type { Result } from './values';

export interface Target<Instance> {
  /** What it cannot do; rows of the exclusions count only for these. */
  readonly unable: ReadonlySet<Exclusion['reason']>;
  /** @throws {Failure} `refused` */
  validate(wasm: Uint8Array): void;
  /**
   * Imports come from `spectest` and from the registered instances.
   *
   * @throws {Failure} `refused`, `unlinked`, `trap`, `exhausted`
   */
  instantiate(wasm: Uint8Array, registered: ReadonlyMap<string, Instance>): Instance;
  /**
   * @throws {Failure} `trap`, `exhausted`
   * @throws {Uncarried} before anything has run
   */
  invoke(instance: Instance, name: string, args: readonly ScriptValue[]): readonly Result[];
  /** Reads an exported global. */
  get(instance: Instance, name: string): Result;
}

/** A way to fail that scripts may expect. Whatever else is thrown is a fault. */
export class Failure extends Error {
  constructor(
    readonly kind: 'refused' | 'unlinked' | 'trap' | 'exhausted',
    message: string,
    readonly trap?: unknown,
  ) {
    super(message);
  }
}

/** Values that JavaScript or the target cannot pass. */
export class Uncarried extends Error {}
