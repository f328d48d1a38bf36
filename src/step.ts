import type { RawStep } from './backend/backend';
import { invalidValue } from './errors/error';
import { toBytes } from './input';
import type { Step, Value } from './types';
import { toCoreValues } from './values';

/** The public form of a host call that a guest waits for. Functions of bytes show and take the bytes themselves. `follow` makes the next step of the backend's. */
export function openStep(raw: RawStep & { done: false }, follow: (next: Promise<RawStep>) => Promise<Step>): Step {
  const { kind, module, name, type } = raw.host;
  const single = type.results.length === 1;
  let answered = false;
  const once = () => {
    if (answered) throw invalidValue('step', 'a host call is answered once, by resume or by fail', undefined);
    answered = true;
  };
  return {
    done: false,
    hostCall: { module, name, args: raw.args },
    async resume(results: readonly (Value | Uint8Array | string)[] = []) {
      const values =
        kind === 'envelope' ? [toBytes(results[0])] : toCoreValues(type.results, single ? results[0] : results);
      once();
      return follow(raw.resume(values));
    },
    async fail(error: unknown) {
      once();
      return follow(raw.fail(error));
    },
  };
}
