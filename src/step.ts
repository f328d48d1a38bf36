import type { RawStep } from './backend/backend';
import { invalidValue } from './errors/error';
import type { Step, Value } from './types';
import { toCoreValues } from './values';

/** The public form of a host call that a guest waits for. `follow` makes the next step of the backend's. */
export function openStep(raw: RawStep & { done: false }, follow: (next: Promise<RawStep>) => Promise<Step>): Step {
  const { module, name, type } = raw.host;
  let answered = false;
  const once = () => {
    if (answered) throw invalidValue('step', 'a host call is answered once, by resume or by fail', undefined);
    answered = true;
  };
  return {
    done: false,
    hostCall: { module, name, args: raw.args },
    async resume(results: readonly Value[] = []) {
      const values = toCoreValues(type.results, type.results.length === 1 ? results[0] : results);
      once();
      return follow(raw.resume(values));
    },
    async fail(error: unknown) {
      once();
      return follow(raw.fail(error));
    },
  };
}
