// The server of express.ts with Fastify. POST a CSV file to /guests/summary and get JSON; /guests/hostile never ends, gets 503 with
// the error's code, and the server goes on.
//
//   tsx examples/fastify.ts
//   curl -H 'content-type: text/csv' --data-binary @guests/build/readings.csv http://127.0.0.1:3000/guests/summary
import { join } from 'node:path';
import { AingleWasmError, type CallOptions, Engine, type Module } from 'aingle-wasm';
import fastify from 'fastify';

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

  const app = fastify({ bodyLimit: 8 * MIB });
  app.addContentTypeParser('text/csv', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onClose', () => engine.close());

  app.post<{ Params: { guest: string }; Body: Buffer }>('/guests/:guest', async (request, reply) => {
    const guest = guests.get(request.params.guest);
    if (guest === undefined) return reply.code(404).send({ code: 'NOT_FOUND' });
    if (!Buffer.isBuffer(request.body)) return reply.code(415).send({ code: 'CSV_WANTED' });

    // An instance for each request: no request sees another's memory, and one that was stopped is thrown away.
    using instance = await guest.module.instantiate();
    const result = await instance.call(guest.name, request.body, { timeoutMs, ...guest.options });
    return reply
      .header('x-fuel-used', String(result.fuelUsed))
      .type('application/json')
      .send(Buffer.from(result.bytes));
  });

  // A guest that refuses its input is the client's affair; one that is stopped or breaks is ours. Its text is safe to show.
  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof AingleWasmError)) throw error;
    return reply.code(error.code === 'ERR_GUEST' ? 422 : 503).send({ code: error.code, message: error.message });
  });

  const address = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) });
  console.log(`listening on ${address}, guests run on ${engine.backend.kind}`);
  process.once('SIGTERM', () => void app.close());
}

void main();
