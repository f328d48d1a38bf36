// Ends in several ways with calls in flight. Arguments: the way, the file of the guest.
import { readFile } from 'node:fs/promises';
import { Engine } from '../../../index.mjs';

const [way, file] = process.argv.slice(2);
const engine = new Engine({ backend: 'wasmer', threads: 2 });
const module = await engine.compile(await readFile(file));
const imports = { env: { add: (a, b) => a + b } };
const instances = await Promise.all(Array.from({ length: 4 }, () => module.instantiate({ imports })));
const [first] = instances;

const ways = {
  /** The event loop stays alive for what is pending, and not longer. */
  async waits() {
    first.invoke('spin', [20_000_000n]).then(() => console.log('settled'));
  },
  /** An engine and instances that are not closed keep nothing alive. */
  async idle() {
    await first.call('same', 'x');
    console.log('idle');
  },
  /** Guests run, wait in the queue and talk to the host while the process ends. */
  async exits() {
    for (const instance of instances) {
      instance.invoke('forever').catch(() => {});
      instance.invoke('chat').catch(() => {});
    }
    setTimeout(() => process.exit(7), 50);
  },
  /** The same from inside of a host function. */
  async exitsInside() {
    const inside = await module.instantiate({ imports: { env: { add: () => process.exit(8) } } });
    instances[1].invoke('forever').catch(() => {});
    await inside.invoke('sum', [1, 2]);
  },
  async exitsInsideSync() {
    const inside = await module.instantiate({ imports: { env: { add: () => process.exit(9) } } });
    instances[1].invoke('forever').catch(() => {});
    inside.exports.sum(1, 2);
  },
  /** An exception that nobody catches while a guest runs. */
  async throws() {
    instances[1].invoke('forever').catch(() => {});
    setTimeout(() => {
      throw new Error('on purpose');
    }, 20);
  },
  /** Closing waits for what runs, cancels what waits, and lets the process end. */
  async closes() {
    const calls = instances.flatMap((instance) => [
      instance.invoke('spin', [5_000_000n]),
      instance.invoke('spin', [5_000_000n]),
    ]);
    const settled = Promise.allSettled(calls);
    await engine.close();
    const reasons = (await settled).map((result) => result.reason?.code ?? 'done');
    console.log(
      reasons.every((reason) => reason === 'done' || reason === 'ERR_ENGINE_CLOSED'),
      reasons.at(-1),
    );
  },
};
await ways[way]();
