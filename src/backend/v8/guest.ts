import type { Origin } from '../../errors/trap-frame';
import type { ModuleInfoJson, ResolvedInstanceOptions } from '../backend';
import type { Convention } from './convention';
import type { GlobalCell } from './globals';
import type { GuestMemory } from './guest-memory';
import type { HostCalls } from './host-calls';
import type { Meter } from './meter';
import type { V8References } from './references';
import type { V8Tables } from './tables';

// biome-ignore lint/suspicious/noExplicitAny: the types are checked against the module's description
export type GuestFunction = (...args: any[]) => any;

/** Everything of an instance that holds on to its memory; let go of as a whole when the instance is closed. */
export interface Guest {
  readonly info: ModuleInfoJson;
  /** Undefined in a worker. */
  readonly origin: Origin | undefined;
  readonly exports: WebAssembly.Exports;
  readonly memory: GuestMemory;
  /** The imported ones, then the exported ones, both in the module's order. */
  readonly globals: readonly GlobalCell[];
  readonly references: V8References;
  readonly tables: V8Tables;
  readonly meter: Meter;
  readonly calls: HostCalls;
  readonly convention: Convention;
}

/** What of an instance's options a guest is made with, on whatever thread it lives. */
export type GuestOptions = Pick<
  ResolvedInstanceOptions,
  'memories' | 'tables' | 'references' | 'globals' | 'hostFunctions' | 'abi' | 'afterTrap' | 'limits' | 'fuel' | 'data'
>;
