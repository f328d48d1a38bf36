// More processes and more copies: forked children, a cluster, and the package loaded twice. Arguments: the file of the guest, a folder for a copy.
import { fork } from 'node:child_process';
import cluster from 'node:cluster';
import { cp, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Engine } from '../../../index.mjs';

const [file, folder] = process.argv.slice(2);
const imports = { env: { add: (a, b) => a + b } };

async function stopAndSum(Package) {
  const engine = new Package({ backend: 'wasmer', threads: 2 });
  const module = await engine.compile(await readFile(file));
  const endless = await module.instantiate({ imports });
  const code = await endless.invoke('forever', [], { timeoutMs: 30 }).catch((error) => error.code);
  const instance = await module.instantiate({ imports });
  const [sum] = await instance.invoke('sum', [20, 22]);
  await engine.close();
  return `${code} ${sum}`;
}

const ended = (child) =>
  new Promise((resolve) => {
    let said = '';
    child.on('message', (message) => {
      said = message;
    });
    child.on('exit', (status, signal) => resolve(`${said} ${status} ${signal}`));
  });

if (process.send !== undefined) {
  process.send(await stopAndSum(Engine), () => process.exit(0));
} else {
  const seen = [await stopAndSum(Engine)];
  const self = fileURLToPath(import.meta.url);
  seen.push(...(await Promise.all([1, 2].map(() => ended(fork(self, [file]))))));
  cluster.setupPrimary({ exec: self, args: [file] });
  const worker = cluster.fork();
  seen.push(
    await ended({ on: (name, listen) => (name === 'exit' ? worker.on(name, listen) : worker.on(name, listen)) }),
  );
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  for (const part of ['index.js', 'package.json', 'dist', 'crates/node/build', 'node_modules/node-gyp-build']) {
    await cp(join(root, part), join(folder, part), { recursive: true });
  }
  const copy = createRequire(import.meta.url)(join(folder, 'index.js'));
  seen.push(...(await Promise.all([stopAndSum(copy.Engine), stopAndSum(Engine)])));
  console.log(seen.join('; '));
}
