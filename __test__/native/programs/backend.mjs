// Prints what an engine of a package runs on, or why it could not be made, and what the process was told besides.
import { pathToFileURL } from 'node:url';

const [backend, entry] = process.argv.slice(2);
const warnings = [];
process.on('warning', ({ code, message }) => warnings.push({ code, message }));
const { Engine } = await import(entry === undefined ? '../../../index.mjs' : pathToFileURL(entry).href);

/** Two engines: the second must not look or warn again. */
function describe() {
  try {
    new Engine({ backend });
    return new Engine({ backend }).backend;
  } catch ({ code, message, details }) {
    return { code, message, ...details };
  }
}

const described = describe();
// Warnings are handed out in the next turn.
await new Promise(setImmediate);
const fallback = warnings.filter(({ code }) => code === 'AINGLE_WASM_FALLBACK').map(({ message }) => message);
console.log(JSON.stringify({ ...described, fallback, LIBC: process.env.LIBC }));
