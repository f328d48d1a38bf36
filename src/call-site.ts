import { AsyncResource } from 'node:async_hooks';

/** Where a call was made, as AsyncLocalStorage and async_hooks see it: the host functions that it leads to run there. */
export type CallSite = AsyncResource;

/** The site of a call that is being made. To be asked for only where something may run there later. */
export function callSite(): CallSite {
  return new AsyncResource('AingleWasmCall');
}

/** Runs something at a call's site, or where it is if there is none. */
export function runAt<T>(site: CallSite | undefined, run: () => T): T {
  return site === undefined ? run() : site.runInAsyncScope(run);
}
