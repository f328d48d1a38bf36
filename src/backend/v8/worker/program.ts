// What a worker runs: it serves its caller until it is ended, and never turns its own event loop.
import { workerData } from 'node:worker_threads';
import { Channel, Side } from './channel';
import { Session } from './session';

const { shared, port } = workerData;
new Session(new Channel(shared, port, Side.worker)).run();
