import type { BackendInstance } from './backend/backend';
import { invalidType, invalidValue } from './errors/error';
import { quoteAll } from './errors/text';
import { choice, flag, readTable } from './options/table';
import { Ownership } from './ownership';
import type { GlobalType, Value, ValueType } from './types';
import { CARRIED_TYPES, readCoreValue, requireCarried } from './values';

/** Where the value is: with the global itself, or in the instance that it belongs to. Values are checked before. */
export interface GlobalPlace {
  get(): Value;
  set(value: Value): void;
}

const TYPE = {
  value: { read: choice(CARRIED_TYPES, 'i32').read, absent: requireType },
  mutable: flag(false),
};

function requireType(option: string): ValueType {
  throw invalidType(option, `one of ${quoteAll(CARRIED_TYPES)}`, undefined);
}

/** The global of a number in an instance: the imported ones first, then the exported ones. */
export function globalOf(instance: BackendInstance, number: number): GlobalPlace {
  return {
    get: () => instance.globalGet(number),
    set: (value) => instance.globalSet(number, value),
  };
}

/** Hidden from users, so that only this package makes a global of a place. */
class Bound {
  constructor(readonly bound: GlobalPlace) {}
}

/**
 * A global: made by the host to be imported, or exported by a guest.
 *
 * One that the host made belongs to the first instance that imports it and follows that instance from then on: it is busy while the guest
 * runs and closed with it. An instantiation that fails leaves it as it was before. A constant belongs to nobody.
 *
 * @example
 * const counter = new Global({ value: 'i64', mutable: true }, 0n);
 * const instance = await module.instantiate({ imports: { env: { counter } } });
 */
export class Global {
  readonly type: Readonly<GlobalType>;
  readonly #ownership: Ownership<GlobalPlace, HeldValue>;

  /**
   * @param type `value`: `'i32'`, `'i64'`, `'f32'` or `'f64'`; `mutable`: whether guest and host can write it
   * @param value a number, or a bigint for `i64`; wraps and rounds as an argument of an exported function does
   * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`
   */
  constructor(type: GlobalType, value: Value) {
    const place: unknown = value;
    if (place instanceof Bound) {
      this.type = Object.freeze({ ...type });
      this.#ownership = new Ownership(place);
      return;
    }
    this.type = readTable('type', type, TYPE);
    this.#ownership = new Ownership({ held: new HeldValue(readCoreValue('value', this.type.value, value)) });
  }

  /** @internal */
  static of(type: GlobalType, place: GlobalPlace): Global {
    return new Global(type, new Bound(place) as unknown as Value);
  }

  /** @internal */
  static ownership(global: Global): Ownership<GlobalPlace, HeldValue> {
    return global.#ownership;
  }

  /**
   * A number, or a bigint for `i64`.
   *
   * @throws `ERR_INVALID_ARG_VALUE` for writing a constant, `ERR_INVALID_ARG_TYPE` for a value of another type
   * @throws {AingleWasmError} `ERR_INSTANCE_BUSY`, `ERR_INSTANCE_CLOSED`; `ERR_FEATURE_DISABLED` for a vector or a reference
   */
  get value(): Value {
    this.#requireCarried();
    return this.#ownership.place.get();
  }

  set value(value: Value) {
    this.#requireCarried();
    if (!this.type.mutable) throw invalidValue('value', 'the global is a constant', value);
    const converted = readCoreValue('value', this.type.value, value);
    this.#ownership.place.set(converted);
  }

  #requireCarried(): void {
    requireCarried({ params: [], results: [this.type.value] }, 'call');
  }
}

/** The value of a global that belongs to no instance. */
export class HeldValue implements GlobalPlace {
  #value: Value;

  constructor(value: Value) {
    this.#value = value;
  }

  get(): Value {
    return this.#value;
  }

  set(value: Value): void {
    this.#value = value;
  }
}
