// What surrounds an engine: the backend that is chosen, worker threads that come and go, many calls at once.
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const { backends, Engine, file, guest } = require('./package.cjs');

const ECHO = guest('build', 'echo.wasm');
const PROGRAM = `const { parentPort, workerData } = require('node:worker_threads');
  const { Engine } = require(workerData.file);
  const instance = new Engine({ backend: workerData.backend }).compileSync(workerData.bytes).instantiateSync();
  instance.call('greet', 'worker').then((result) => parentPort.postMessage(result.text()));`;

test('the default backend is the first of those expected', () => {
  assert.equal(new Engine().backend.kind, backends[0]);
});

for (const backend of backends) {
  test(`three workers on ${backend}, one of which is stopped`, async () => {
    const workerData = { file, backend, bytes: ECHO };
    const workers = [0, 1, 2].map(() => new Worker(PROGRAM, { eval: true, workerData }));
    const answers = await Promise.all(
      workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))),
    );
    assert.deepEqual(answers, ['Hello, worker!', 'Hello, worker!', 'Hello, worker!']);
    await workers[0].terminate();
    const again = new Engine({ backend }).compileSync(ECHO).instantiateSync();
    assert.equal((await again.call('greet', 'main')).text(), 'Hello, main!');
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  test(`calls of many instances at once on ${backend}`, async () => {
    // Forty workers at once take an emulated board longer than a call may take.
    const engine = new Engine({ backend, timeoutMs: null });
    const module = engine.compileSync(ECHO);
    const names = Array.from({ length: 40 }, (_, index) => `guest ${index}`);
    const answers = await Promise.all(
      names.map(async (name) => {
        const result = await (await module.instantiate()).call('greet', name);
        return result.text();
      }),
    );
    assert.deepEqual(
      answers,
      names.map((name) => `Hello, ${name}!`),
    );
    await engine.close();
  });
}
