// Prints what an engine runs on, or why it could not be made.
import { Engine } from '../../../index.mjs';

try {
  console.log(JSON.stringify(new Engine({ backend: process.argv[2] }).backend));
} catch ({ code, details }) {
  console.log(JSON.stringify({ code, ...details }));
}
