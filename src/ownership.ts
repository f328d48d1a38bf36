// Where the state of a host-made object is: with the object until an instance imports it, with that instance from then on.
import type { BackendInstance } from './backend/backend';
import { createError } from './errors/error';

/** `Place` is how the state is reached, `Held` the place of an object that belongs to no instance. */
export class Ownership<Place, Held extends Place> {
  #held: Held | undefined;
  #bound: Place | undefined;

  constructor(place: { readonly held: Held } | { readonly bound: Place }) {
    if ('held' in place) this.#held = place.held;
    else this.#bound = place.bound;
  }

  /** @throws {AingleWasmError} `ERR_INSTANCE_BUSY` while an instance that imports the object is being made */
  get place(): Place {
    const place = this.#bound ?? this.#held;
    if (place === undefined) throw createError('ERR_INSTANCE_BUSY', 'call');
    return place;
  }

  /** What the object holds; undefined once it belongs to an instance, or is about to. */
  get held(): Held | undefined {
    return this.#held;
  }

  /** Lets an instance that is about to be made have the state. `bind` says where it is once the instance exists. */
  claim(bind: (instance: BackendInstance) => Place): Claim {
    const held = this.#held;
    this.#held = undefined;
    return {
      settle: (instance) => {
        this.#bound = bind(instance);
      },
      giveBack: () => {
        this.#held = held;
      },
    };
  }
}

/** The state of one object on its way to an instance. */
export interface Claim {
  /** The instance exists. */
  settle(instance: BackendInstance): void;
  /** It was not made: the object is as it was before. */
  giveBack(): void;
}
