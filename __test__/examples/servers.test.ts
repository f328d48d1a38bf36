// Both servers, on every backend, over HTTP: a summary for a CSV file, a refusal for rubbish, and 503 for guests that misbehave,
// after which the server answers as before.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Server } from './support/example';

const readings = readFileSync(new URL('../../guests/build/readings.csv', import.meta.url));
const CSV = 'text/csv';

describe.each(
  ['express.ts', 'fastify.ts'].flatMap((file) => ['wasmer', 'wasmi', 'v8'].map((backend) => ({ file, backend }))),
)('$file on $backend', ({ file, backend }) => {
  let server: Server;

  beforeAll(async () => {
    // Longer than any guest here takes on any machine: fuel ends those that do not end.
    server = await Server.start(file, { AINGLE_WASM_BACKEND: backend, TIMEOUT_MS: '60000' });
  });

  afterAll(async () => {
    expect(await server.stop()).toBe(0);
  });

  async function expectSummary(): Promise<void> {
    const response = await server.post('/guests/summary', CSV, readings);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(Number(response.headers.get('x-fuel-used'))).toBeGreaterThan(1_000_000);
    expect(await response.json()).toMatchObject({ accepted: 9_988, rejected: 12 });
  }

  async function expectStopped(guest = 'hostile', code = 'ERR_FUEL_EXHAUSTED'): Promise<void> {
    const response = await server.post(`/guests/${guest}`, CSV, 'x');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code });
  }

  test('runs on the backend asked for', () => {
    expect(server.backend).toBe(backend);
  });

  test('summarises a CSV file', expectSummary);

  test('answers 422 with the guest’s own words for input that the guest refuses', async () => {
    const response = await server.post('/guests/summary', CSV, 'rubbish');
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      code: 'ERR_GUEST',
      message: expect.stringContaining('none of 1 lines'),
    });
  });

  test('answers 404 for an unknown guest, also for names that objects inherit', async () => {
    for (const name of ['other', 'constructor', '__proto__']) {
      expect((await server.post(`/guests/${name}`, CSV, 'x')).status).toBe(404);
    }
  });

  test('answers 415 for what is no CSV', async () => {
    expect((await server.post('/guests/summary', 'text/plain', 'x')).status).toBe(415);
  });

  test('stops a hostile guest, and goes on', async () => {
    await expectStopped();
    await expectSummary();
  });

  test.each([
    ['burner', 'ERR_FUEL_EXHAUSTED'],
    ['trap', 'ERR_TRAP'],
    ['hog', 'ERR_TRAP'],
  ])('answers 503 for the guest %s', async (guest, code) => {
    await expectStopped(guest, code);
    await expectSummary();
  });

  test('serves others while hostile guests are stopped', async () => {
    await Promise.all([expectStopped(), expectSummary(), expectStopped(), expectSummary()]);
  });
});

describe.each(['express.ts', 'fastify.ts'])('%s with a short deadline', (file) => {
  test.each(['wasmer', 'wasmi', 'v8'])('stops a hostile guest in time on %s', async (backend) => {
    const server = await Server.start(file, { AINGLE_WASM_BACKEND: backend, TIMEOUT_MS: '50' });
    const response = await server.post('/guests/hostile', CSV, 'x');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: 'ERR_TIMEOUT' });
    expect(await server.stop()).toBe(0);
  });
});
