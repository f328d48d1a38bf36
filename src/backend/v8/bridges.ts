// Modules between the host and functions that references stand for, by the functions' types; crates/prepare makes them.
import { bridgeModule } from '../../fallback';
import type { FunctionType } from '../../types';

/** `given` makes a function of the host's one that a table can hold, `call` calls what a reference stands for. */
export type Direction = 'given' | 'call';

const NAME = 'f';

/** Types are few, and a module of some hundred bytes is all that is kept of each. */
const compiled = new Map<string, WebAssembly.Module>();

// biome-ignore lint/suspicious/noExplicitAny: the types are those of the bridge
export type BridgeFunction = (...args: any[]) => any;

/** A new bridge for functions of a type. Each instance has its own, because a bridge holds what it has called. */
export function bridge(direction: Direction, type: FunctionType, host?: BridgeFunction): BridgeFunction {
  const key = `${direction} ${type.params} ${type.results}`;
  let module = compiled.get(key);
  if (module === undefined) {
    module = new WebAssembly.Module(bridgeModule(direction === 'call', type));
    compiled.set(key, module);
  }
  const { exports } = new WebAssembly.Instance(module, { [NAME]: { [NAME]: host } });
  return exports[NAME] as BridgeFunction;
}
