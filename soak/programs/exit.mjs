// Ends in one of several ways with endless calls in flight. Arguments: the way, the backend, the file of the guest. Says `ready` when it is about to
// end, and then what its calls came to, if it is there to see it.
import { readFileSync, writeSync } from 'node:fs';
import { Engine } from '../../index.mjs';

const [way, backend, file] = process.argv.slice(2);
const ENDLESS = 8;
// With two threads some calls run and some wait. One that must run beside all of them needs a thread more.
const threads = way.endsWith('Inside') ? ENDLESS + 1 : 2;
const engine = new Engine({ backend, threads, meteringLimit: 'unlimited', timeoutMs: null });
const module = await engine.compile(readFileSync(file));

function make(ask = (value) => value) {
  return module.instantiate({ imports: { env: { ask } }, host: { serve: ({ bytes }) => bytes } });
}

const instances = await Promise.all(Array.from({ length: ENDLESS }, () => make()));

/** Half of them spin, half talk to the host. */
function begin(options) {
  const calls = instances.map((instance, index) => instance.invoke(index % 2 ? 'forever' : 'chat', [], options));
  return Promise.allSettled(calls).then((results) => new Set(results.map(({ reason }) => reason.code)));
}

/** At any point of the first milliseconds of the calls. */
function soon(end) {
  setTimeout(() => {
    writeSync(1, 'ready\n');
    end();
  }, Math.random() * 40);
}

const say = (codes) => console.log([...codes].join());

const WAYS = {
  exits() {
    begin();
    soon(() => process.exit(7));
  },
  async exitsInside() {
    const inside = await make(() => process.exit(8));
    begin();
    soon(() => inside.invoke('ask', [1]).catch(() => {}));
  },
  async exitsInsideSync() {
    const inside = await make(() => process.exit(9));
    begin();
    soon(() => inside.exports.ask(1));
  },
  throws() {
    begin();
    soon(() => {
      throw new Error('on purpose');
    });
  },
  /** Out of a callback while a guest of this thread waits in its host function. */
  async throwsInside() {
    const inside = await make(
      () =>
        new Promise(() =>
          setImmediate(() => {
            throw new Error('on purpose');
          }),
        ),
    );
    begin();
    soon(() => inside.invoke('ask', [1]).catch(() => {}));
  },
  rejects() {
    begin();
    soon(() => Promise.reject(new Error('on purpose')));
  },
  terminated() {
    begin();
    soon(() => {});
  },
  interrupted() {
    begin();
    soon(() => {});
  },
  handlesSigterm() {
    process.on('SIGTERM', () => process.exit(6));
    begin();
    soon(() => {});
  },
  closesEngine() {
    begin().then(say);
    soon(() => engine.close());
  },
  closesInstances() {
    begin().then(say);
    soon(() => {
      for (const instance of instances) instance.close();
    });
  },
  aborts() {
    const controller = new AbortController();
    begin({ signal: controller.signal }).then(say);
    soon(() => controller.abort());
  },
  deadlines() {
    begin({ timeoutMs: 60 }).then(say);
    soon(() => {});
  },
  /** Nothing runs, nothing is closed. */
  async idle() {
    await instances[0].call('echo', 'x');
    soon(() => console.log('idle'));
  },
};
await WAYS[way]();
