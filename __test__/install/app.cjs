// A consumer's program: an Express server that runs a guest, asks itself once, and prints what it ran on and what it answered. With the
// argument `plain` it does without Express.
const { readFileSync } = require('node:fs');
const { Engine } = require('aingle-wasm');

const [guest, plain] = process.argv.slice(2);
const engine = new Engine();
const module_ = engine.compileSync(readFileSync(guest));

async function greet(name) {
  const instance = await module_.instantiate();
  const result = await instance.call('greet', name);
  return { text: result.text(), fuel: String(result.fuelUsed) };
}

async function overHttp(name) {
  const express = require('express');
  const app = express();
  app.get('/greet/:name', async (request, response) => response.json(await greet(request.params.name)));
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const answer = await (await fetch(`http://127.0.0.1:${server.address().port}/greet/${name}`)).json();
  await new Promise((resolve) => server.close(resolve));
  return answer;
}

(plain === 'plain' ? greet : overHttp)('Ada').then((answer) => {
  const { kind, source, attempts } = engine.backend;
  console.log(JSON.stringify({ kind, source, attempts, ...answer }));
});
