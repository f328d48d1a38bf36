// What a guest exports for its host, found by name and exact type.
import { findFunction } from '../../exports';
import type { FunctionType, ValueType } from '../../types';
import { sameType } from '../../values';
import type { ModuleInfoJson } from '../backend';
import { GUEST, INITIALIZE } from './names';

// biome-ignore lint/suspicious/noExplicitAny: the types are checked against the module's description
type GuestFunction = (...args: any[]) => any;

/** How a block of guest memory is had: returns a pointer that is not checked, 0 for none. */
export type Allocate = (len: number) => number;

/** Gives back what a call used: the input's block, if it came from the allocator, and the result's. */
export type Release = (input: Block | undefined, output: Block) => void;

/** A range of guest memory as a guest gave it: not checked yet. */
export interface Block {
  readonly ptr: number;
  readonly len: number;
}

export interface Allocator {
  readonly allocate: Allocate | undefined;
  readonly release: Release;
  /** As `release`, for a call while another one of the same guest waits, whose blocks must stay. */
  readonly releaseNested: Release;
  /** Begins such a call; what is returned ends it, if the guest has come back. */
  readonly openScope: () => () => void;
}

/** AssemblyScript's class of bare bytes. */
const COLLECTED_CLASS = 1;

const NOTHING: Release = () => {};
const NO_SCOPE = () => () => {};

/** The exports of one instance that serve the host. */
export class GuestFunctions {
  readonly #info: ModuleInfoJson;
  readonly #exports: WebAssembly.Exports;

  constructor(info: ModuleInfoJson, exports: WebAssembly.Exports) {
    this.#info = info;
    this.#exports = exports;
  }

  /** `_initialize`, which reactors export. */
  get initialize(): (() => void) | undefined {
    return this.#find([INITIALIZE], [], []);
  }

  get abiVersion(): (() => number) | undefined {
    return this.#find(GUEST.abiVersion, [], ['i32']);
  }

  get callBuffer(): (() => bigint) | undefined {
    return this.#find(GUEST.callBuffer, [], ['i64']);
  }

  /** Whether the guest has an allocator of the guest kit. */
  get speaksEnvelopes(): boolean {
    return this.#arenaAllocate !== undefined;
  }

  /** The guest kit's allocator. Its arena is reset at once; older guests free block by block. */
  arenaAllocator(): Allocator {
    const reset = this.#find(GUEST.resetArena, [], []);
    const free = this.#find(GUEST.deallocate, ['i32', 'i32'], []);
    const allocate = this.#arenaAllocate;
    const scope = { openScope: this.#scope() };
    if (reset !== undefined) return { allocate, release: () => void reset(), releaseNested: NOTHING, ...scope };
    return { ...allocator(allocate, free !== undefined ? oneByOne(free) : NOTHING), ...scope };
  }

  /** The first whole allocator of C, of languages with sized deallocation, of AssemblyScript. */
  plainAllocator(): Allocator {
    return this.#malloc() ?? this.#sized() ?? this.#collected() ?? allocator(undefined, NOTHING);
  }

  get #arenaAllocate(): Allocate | undefined {
    return this.#find(GUEST.allocate, ['i32'], ['i32']);
  }

  /** The guest kit's scoped use of its arena. */
  #scope(): Allocator['openScope'] {
    const mark = this.#find(GUEST.mark, [], ['i32']);
    const release = this.#find(GUEST.release, ['i32'], []);
    if (mark === undefined || release === undefined) return NO_SCOPE;
    return () => {
      const at = mark();
      return () => void release(at);
    };
  }

  #malloc(): Allocator | undefined {
    const allocate = this.#find(['malloc'], ['i32'], ['i32']);
    const free = this.#find(['free'], ['i32'], []);
    return allocate && free && allocator(allocate, oneByOne(free));
  }

  #sized(): Allocator | undefined {
    const allocate = this.#find(['allocate'], ['i32'], ['i32']);
    const free = this.#find(['deallocate'], ['i32', 'i32'], []);
    return allocate && free && allocator(allocate, oneByOne(free));
  }

  #collected(): Allocator | undefined {
    const create = this.#find(['__new'], ['i32', 'i32'], ['i32']);
    const pin = this.#find(['__pin'], ['i32'], ['i32']);
    const unpin = this.#find(['__unpin'], ['i32'], []);
    if (!create || !pin || !unpin) return undefined;
    return allocator((len) => pin(create(len, COLLECTED_CLASS)), oneByOne(unpin));
  }

  #find(names: readonly string[], params: ValueType[], results: ValueType[]): GuestFunction | undefined {
    const wanted: FunctionType = { params, results };
    const name = names.find((candidate) => {
      const type = findFunction(this.#info, candidate);
      return type !== undefined && sameType(type.params, wanted.params) && sameType(type.results, wanted.results);
    });
    return name === undefined ? undefined : (this.#exports[name] as GuestFunction);
  }
}

function allocator(allocate: Allocate | undefined, release: Release): Allocator {
  return { allocate, release, releaseNested: release, openScope: NO_SCOPE };
}

/** Frees the result, then the input; a result inside the input is part of it, and nothing of length 0 is freed. */
function oneByOne(free: GuestFunction): Release {
  return (input, output) => {
    const within = input !== undefined && (output.ptr - input.ptr) >>> 0 < input.len;
    if (output.len > 0 && !within) free(output.ptr, output.len);
    if (input !== undefined) free(input.ptr, input.len);
  };
}
