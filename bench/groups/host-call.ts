// What a guest pays to call a JavaScript function of the host.
import { exportsByHand } from '../by-hand';
import type { Group, Row } from '../price-list';
import { assembled, builtGuest } from '../wasm';

const BY_HAND = 'V8 by hand';

/** Host calls in one call of the guest: enough to make that call's own cost disappear. */
const CALLS = 1_000;

const next = (value: number) => value + 1;

/** `times` host calls, at most {@link CALLS} of them in one call of the guest. */
function inBatches(call: (count: number) => void): (times: number) => void {
  return (times) => {
    for (let left = times; left > 0; left -= CALLS) call(Math.min(left, CALLS));
  };
}

export const hostCall: Group = {
  name: 'host call',
  about: 'One call of a JavaScript function from a running guest, of numbers and of bytes.',
  peer: BY_HAND,
  rows: async (contenders) => {
    const module = await assembled('numbers');
    const imports = { host: { next } };
    const numbers = [
      { name: BY_HAND, repeat: exportsByHand(module, imports).repeat },
      ...contenders.map(({ kind, engine }) => ({
        name: kind,
        repeat: engine.compileSync(module).instantiateSync({ imports }).exports.repeat!,
      })),
    ];
    const guest = builtGuest('hostcall');
    const bytes = contenders.map(({ kind, engine }) => ({
      name: kind,
      instance: engine.compileSync(guest).instantiateSync({ host: { __my_host_fn: ({ bytes }) => bytes } }),
    }));
    const rows: Row[] = [
      {
        what: '(i32) → i32',
        subjects: numbers.map(({ name, repeat }) => ({ name, run: inBatches(repeat) })),
        targets: { wasmer: { value: 1_000 }, v8: { value: 50 } },
      },
      {
        what: 'a few bytes, envelope',
        subjects: bytes.map(({ name, instance }) => ({
          name,
          run: inBatches((count) => void instance.callSync('repeat', String(count))),
        })),
      },
    ];
    return rows;
  },
};
