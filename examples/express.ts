// An Express server whose work is done by guests. POST a CSV file to /guests/summary and get JSON; /guests/hostile never ends, gets
// 503 with the error's code, and the server goes on.
//
//   tsx examples/express.ts
//   curl -H 'content-type: text/csv' --data-binary @guests/build/readings.csv http://127.0.0.1:3000/guests/summary
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { AingleWasmError, type CallOptions, Engine, type Module } from 'aingle-wasm';
import express, { type NextFunction, type Request, type Response } from 'express';

const BUILD = join(__dirname, '..', 'guests', 'build');
const MIB = 1024 * 1024;

/** What a request may name: the guest's file, its exported function, and fuel if less than the engine's is enough. */
const GUESTS = {
  summary: { file: 'summary.wasm', name: 'summarize' },
  hostile: { file: 'misbehave.wasm', name: 'loop_forever' },
  burner: { file: 'misbehave.wasm', name: 'loop_forever', fuel: 10_000_000 },
  trap: { file: 'misbehave.wasm', name: 'unreachable' },
  hog: { file: 'misbehave.wasm', name: 'allocate_forever' },
};

/** Limits for all guests, whoever wrote them: a summary of 10,000 lines takes 46,000,000 operators and 2 MiB. */
const engine = new Engine({
  meteringLimit: 500_000_000n,
  limits: { memoryBytes: 64 * MIB, outputBytes: MIB },
});

/** Milliseconds that a call may take, its wait for a thread included. */
const timeoutMs = Number(process.env.TIMEOUT_MS ?? 2_000);

async function main(): Promise<void> {
  const guests = new Map<string, { module: Module; name: string; options: CallOptions }>();
  for (const [guest, { file, name, ...options }] of Object.entries(GUESTS)) {
    guests.set(guest, { module: await engine.compile(join(BUILD, file)), name, options });
  }

  const app = express();
  app.post('/guests/:guest', express.raw({ type: 'text/csv', limit: '8mb' }), async (request, response) => {
    const guest = guests.get(String(request.params.guest));
    if (guest === undefined) return void response.status(404).json({ code: 'NOT_FOUND' });
    if (!Buffer.isBuffer(request.body)) return void response.status(415).json({ code: 'CSV_WANTED' });

    // An instance for each request: no request sees another's memory, and one that was stopped is thrown away.
    using instance = await guest.module.instantiate();
    const result = await instance.call(guest.name, request.body, { timeoutMs, ...guest.options });
    response.set('x-fuel-used', String(result.fuelUsed)).type('json').send(Buffer.from(result.bytes));
  });
  app.use(answerError);

  const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', (error) => {
    if (error) throw error;
    const { port } = server.address() as AddressInfo;
    console.log(`listening on http://127.0.0.1:${port}, guests run on ${engine.backend.kind}`);
  });
  process.once('SIGTERM', () => server.close(() => void engine.close()));
}

/** A guest that refuses its input is the client's affair; one that is stopped or breaks is ours. Its code tells which, its text is safe to show. */
function answerError(error: unknown, _request: Request, response: Response, next: NextFunction): void {
  if (error instanceof AingleWasmError) {
    response.status(error.code === 'ERR_GUEST' ? 422 : 503).json({ code: error.code, message: error.message });
  } else {
    next(error);
  }
}

void main();
