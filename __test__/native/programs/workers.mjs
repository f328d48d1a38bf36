// Engines in worker threads that come and go. Argument: the file of the guest. With no argument this is a worker.
import { readFile } from 'node:fs/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Engine } from '../../../index.mjs';

const imports = { env: { add: (a, b) => a + b } };

async function work(file, way) {
  const engine = new Engine({ backend: 'wasmer', threads: 2 });
  const module = await engine.compile(await readFile(file));
  const instance = await module.instantiate({ imports });
  const texts = await Promise.all(Array.from({ length: 50 }, (_, i) => instance.call('same', `${i}`)));
  const sums = await instance.invoke('sum', [texts.length, instance.exports.sum(1, 2)]);
  parentPort.postMessage(sums[0]);
  if (way === 'terminated') {
    // A guest in the queue, one that runs, one that waits in a host function, and this thread inside of a guest's call.
    const others = await Promise.all(Array.from({ length: 3 }, () => module.instantiate({ imports })));
    for (const other of others) for (const name of ['chat', 'forever']) other.invoke(name).catch(() => {});
    parentPort.postMessage('busy');
    instance.exports.chat();
  }
  if (way === 'exits') {
    instance.invoke('chat').catch(() => {});
    process.exit(0);
  }
}

async function one(file, way) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { file, way } });
  worker.on('message', (message) => {
    if (message === 'busy') setTimeout(() => worker.terminate(), 20);
    else if (message !== 53) throw new Error(`a worker said ${message}`);
  });
  const [code] = await new Promise((resolve, reject) => {
    worker.on('error', reject);
    worker.on('exit', (status) => resolve([status]));
  });
  return code;
}

if (isMainThread) {
  const file = process.argv[2];
  const codes = [];
  for (let round = 0; round < 3; round++) {
    for (const way of ['ends', 'exits', 'terminated']) codes.push(await one(file, way));
    codes.push(...(await Promise.all([one(file, 'ends'), one(file, 'terminated')])));
  }
  // What the workers left behind must not disturb V8's own traps, nor an engine that is loaded now.
  const trap = new WebAssembly.Module(
    new Uint8Array([
      0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 5, 1, 1, 102, 0, 0, 10, 11, 1,
      9, 0, 65, 128, 128, 4, 40, 2, 0, 11,
    ]),
  );
  try {
    new WebAssembly.Instance(trap).exports.f();
  } catch (error) {
    codes.push(error.constructor.name);
  }
  const engine = new Engine({ backend: 'wasmer' });
  const instance = (await engine.compile(await readFile(file))).instantiateSync({ imports });
  codes.push(instance.exports.sum(20, 22));
  console.log(codes.join());
} else {
  await work(workerData.file, workerData.way);
}
