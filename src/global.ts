import type { BackendInstance } from './backend/backend';
import { invalidType, invalidValue } from './errors/error';
import { quoteAll } from './errors/text';
import { choice, flag, readTable } from './options/table';
import { Ownership } from './ownership';
import { type References, readHeldValue } from './references';
import type { GlobalType, Value, ValueType } from './types';

/** Where the value is: with the global itself, or in the instance that it belongs to. */
export interface GlobalPlace {
  get(): Value;
  /** @throws `ERR_INVALID_ARG_TYPE` */
  set(value: unknown): void;
}

const VALUE_TYPES = ['i32', 'i64', 'f32', 'f64', 'v128', 'funcref', 'externref'] as const;

const TYPE = {
  value: { read: choice(VALUE_TYPES, 'i32').read, absent: requireType },
  mutable: flag(false),
};

function requireType(option: string): ValueType {
  throw invalidType(option, `one of ${quoteAll(VALUE_TYPES)}`, undefined);
}

/** The global of a number in an instance: the imported ones first, then the exported ones. */
export function globalOf(
  instance: BackendInstance,
  number: number,
  type: ValueType,
  references: References,
): GlobalPlace {
  return {
    get: () => references.lift(type, instance.globalGet(number)),
    set: (value) => instance.globalSet(number, references.lower('value', type, value)),
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
   * @param type `value`: the type of its value; `mutable`: whether guest and host can write it
   * @param value of the type; wraps and rounds as an argument of an exported function does. A `funcref` begins as null or as what
   *   `hostFunction` returned for declared types
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
    this.#ownership = new Ownership({ held: new HeldValue(this.type.value, value) });
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
   * The value, as an exported function takes and gives it.
   *
   * @throws `ERR_INVALID_ARG_VALUE` for writing a constant, `ERR_INVALID_ARG_TYPE` for a value of another type
   * @throws {AingleWasmError} `ERR_INSTANCE_BUSY`, `ERR_INSTANCE_CLOSED`
   */
  get value(): Value {
    return this.#ownership.place.get();
  }

  set value(value: Value) {
    if (!this.type.mutable) throw invalidValue('value', 'the global is a constant', value);
    this.#ownership.place.set(value);
  }
}

/** The value of a global that belongs to no instance. */
export class HeldValue implements GlobalPlace {
  readonly #type: ValueType;
  #value: Value;

  constructor(type: ValueType, value: unknown) {
    this.#type = type;
    this.#value = readHeldValue('value', type, value);
  }

  get(): Value {
    return this.#type === 'v128' ? Uint8Array.from(this.#value) : this.#value;
  }

  set(value: unknown): void {
    this.#value = readHeldValue('value', this.#type, value);
  }
}
