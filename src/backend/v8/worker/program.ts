// What a worker runs: it serves its caller until it is ended, and never turns its own event loop.
import { parentPort, workerData } from 'node:worker_threads';
import { Channel, Side } from './channel';
import { beginGuestThread } from './priority';
import { Session } from './session';

const { shared, port } = workerData;
const channel = new Channel(shared, port, Side.worker);
channel.threadNumber = beginGuestThread();
parentPort!.postMessage('serving');
new Session(channel).run();
