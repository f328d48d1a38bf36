// The worker of groups/async-call.ts: sends back what it gets.
import { parentPort } from 'node:worker_threads';

parentPort.on('message', (message) => parentPort.postMessage(message));
