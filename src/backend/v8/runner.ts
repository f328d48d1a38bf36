import { AingleWasmError } from '../../errors/error';
import { findFunction, noAllocator, requireBytesFunction } from '../../exports';
import { Termination } from '../../termination';
import type { Receipt } from '../../types';
import type { RawValue } from '../backend';
import type { BytesFunction } from './convention';
import { fromEngine, hasVectors, listed, toEngine } from './crossing';
import type { Guest, GuestFunction, GuestOptions } from './guest';
import type { CallSetting, Ending } from './host-calls';
import type { Meter } from './meter';
import { RESERVED } from './names';
import { exhausted, explainEnd, keepsWhenAsked, reasonOf, wasStopped } from './outcome';

/** Told of every call from outside that has ended, just after. */
export type OnEnd = (meter: Meter, stopped: boolean) => void;

/** Calls an exported function of any type. */
export function callExport({ info, exports, references }: Guest, name: string, args: readonly RawValue[]): RawValue[] {
  const type = findFunction(info, name)!;
  const position = info.exports.findIndex((item) => item.name === name);
  const fn = exports[hasVectors(type) ? RESERVED.exact + position : name] as GuestFunction;
  return fromEngine(type.results, listed(fn(...toEngine(type.params, args, references))), references);
}

/** Runs the calls of one guest, on the thread that the guest lives on, and knows what they left of it. */
export class Runner {
  readonly guest: Guest;
  state: 'idle' | 'running' | 'poisoned' = 'idle';
  /** What the call that poisoned the guest ended with. */
  poisonedBy: string | undefined;
  readonly #options: GuestOptions;
  readonly #onEnd: OnEnd;
  /** Functions of bytes that were looked up and have the right type. */
  readonly #bytesFunctions = new Map<string, BytesFunction>();

  constructor(guest: Guest, options: GuestOptions, onEnd: OnEnd) {
    this.guest = guest;
    this.#options = options;
    this.#onEnd = onEnd;
  }

  /** The exported function of bytes. */
  bytesFunction(name: string): BytesFunction {
    const known = this.#bytesFunctions.get(name);
    if (known !== undefined) return known;
    requireBytesFunction(this.guest.info, name);
    const found = this.guest.exports[name] as BytesFunction;
    this.#bytesFunctions.set(name, found);
    return found;
  }

  /** One call of a function of bytes. The guest must be idle, and have a place for the input. */
  callBytes(fn: BytesFunction, input: Uint8Array, fuel: bigint, setting: CallSetting): Uint8Array {
    const output = this.run((guest) => guest.convention.call(fn, input), fuel, setting);
    if (output instanceof AingleWasmError) throw output;
    return output;
  }

  /** One call of whatever kind. The guest must be idle. */
  run<T>(call: (guest: Guest) => T, fuel: bigint, setting: CallSetting): T {
    this.#begin(fuel, setting);
    let results: T;
    try {
      results = call(this.guest);
    } catch (thrown) {
      throw this.#interrupted(thrown);
    }
    this.#returned();
    return results;
  }

  /**
   * One call of a function of bytes of the guest that waits in a host function, on the fuel and depth of the call that waits. One that does
   * not come back leaves it no fuel.
   */
  callNested(fn: BytesFunction, input: Uint8Array): Uint8Array {
    const { calls, convention, info, meter } = this.guest;
    if (!convention.accepts(input.length, true)) throw noAllocator(info);
    const output = calls.nested(() => {
      try {
        const given = convention.callNested(fn, input);
        if (!meter.overdrawn()) return given;
        throw exhausted(meter, 'call');
      } catch (thrown) {
        const ending = thrown instanceof AingleWasmError ? thrown : this.#explain(thrown);
        // Its exact count is lost, so it is charged all that it was given.
        meter.drain();
        throw ending;
      }
    });
    if (output instanceof AingleWasmError) throw output;
    return output;
  }

  /** The receipt of the call that ended last. */
  receipt(wallMs: number, queueMs: number, bytesIn: number, bytesOut: number, returned = true): Receipt {
    const { meter, calls, memory } = this.guest;
    return Object.freeze({
      fuelUsed: meter.used,
      fuelLimit: meter.limit,
      fuelExact: returned,
      wallMs,
      queueMs,
      hostMs: calls.elapsed,
      hostCalls: calls.count,
      memoryPages: memory.pages(),
      bytesIn,
      bytesOut,
      backend: 'v8',
    });
  }

  #begin(fuel: bigint, setting: CallSetting): void {
    this.state = 'running';
    this.guest.calls.begin(setting);
    this.guest.meter.begin(fuel, setting.slice);
  }

  /** The guest has come back: it is usable, if its last charge was within the limit. */
  #returned(): void {
    const { meter } = this.guest;
    if (!meter.end(true)) throw this.#ended(exhausted(meter, 'call'));
    this.state = 'idle';
    this.#onEnd(meter, false);
  }

  /** The guest has not come back. Returns what to throw. */
  #interrupted(thrown: unknown): Ending {
    const { meter } = this.guest;
    meter.end(false);
    const ending = this.#explain(thrown);
    if (!(ending instanceof Termination) && ending.code === 'ERR_FUEL_EXHAUSTED') meter.useAll();
    return this.#ended(ending);
  }

  #explain(thrown: unknown): Ending {
    return explainEnd(thrown, this.guest, this.#options.limits.callDepth, 'call');
  }

  #ended(ending: Ending): Ending {
    const keep = this.#options.afterTrap === 'keep' && keepsWhenAsked(ending);
    if (!keep) this.poisonedBy = reasonOf(ending);
    this.state = keep ? 'idle' : 'poisoned';
    this.#onEnd(this.guest.meter, wasStopped(ending));
    return ending;
  }
}
