import type { RawStep, RawValue } from './backend/backend';
import { invalidValue } from './errors/error';
import { toBytes } from './input';
import type { References } from './references';
import type { Step, Value } from './types';

/**
 * The public form of a host call that a guest waits for. Functions of bytes show and take the bytes themselves.
 *
 * @param follow makes the step that comes next
 */
export function openStep(
  raw: RawStep & { done: false },
  references: References,
  follow: (next: () => Promise<RawStep>) => Promise<Step>,
): Step {
  const { kind, module, name, type } = raw.host;
  let answered = false;
  const once = () => {
    if (answered) throw invalidValue('step', 'a host call is answered once, by resume or by fail', undefined);
    answered = true;
  };
  const lower = (results: readonly Value[]): RawValue[] => {
    if (kind === 'envelope') return [toBytes(results[0])];
    return references.lowerResults(type.results, type.results.length === 1 ? results[0] : results);
  };
  return {
    done: false,
    hostCall: { module, name, args: kind === 'envelope' ? raw.args : references.liftAll(type.params, raw.args) },
    async resume(results: readonly Value[] = []) {
      const raws = lower(results);
      once();
      return follow(() => raw.resume(raws));
    },
    async fail(error: unknown) {
      once();
      return follow(() => raw.fail(error));
    },
  };
}
