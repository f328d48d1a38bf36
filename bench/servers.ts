// `npm run bench:servers`: the servers of examples/ at half of what they can do here, with and without hostile requests. Says for each
// how long honest requests took, and whether every answer was the planned one. `--save` writes bench/results/,
// `--only=<text>` takes the servers whose name contains it.
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { version } from 'aingle-wasm';
import { Server } from '../__test__/examples/support/example';
import { describeMachine, machineSlug, thisMachine } from './machine';
import { median, percentile } from './measure';
import { type Answers, atFixedRate, capacity, type Traffic } from './traffic';

const SERVERS = ['express.ts', 'fastify.ts'].flatMap((file) =>
  ['wasmer', 'wasmi', 'v8'].map((backend) => ({ file, backend, name: `${file} on ${backend}` })),
);
const TIMEOUT_MS = 50;
/** Runs of each kind, in turn. */
const ROUNDS = 5;
const TARGET = 2;

/** A thousand readings: some milliseconds of work, at most. */
const BODY = `${readFileSync(join(__dirname, '..', 'guests', 'build', 'readings.csv'), 'utf8')
  .split('\n', 1_000)
  .join('\n')}\n`;

const HONEST = { path: '/guests/summary', status: 200 };

/** What one request in a hundred is instead: an endless loop, an endless use of fuel, a trap, a taker of memory. */
const HOSTILE = ['hostile', 'burner', 'trap', 'hog'].map((guest) => ({ path: `/guests/${guest}`, status: 503 }));

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { save: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
  });
  const machine = thisMachine();
  const title = `## Servers of aingle-wasm ${version} with hostile guests\n\n${describeMachine(machine)}.\n`;
  const about = `The servers of examples/, with the load generator on the same machine, at half of the requests a second that they can do. One request in a
hundred is hostile: an endless loop, one that burns its fuel, a trap, one that takes memory. Deadline of a call: ${TIMEOUT_MS} ms. Times are
99th percentiles of honest requests, medians of ${ROUNDS} runs of each kind in turn; target: at most ${TARGET} times that without hostile ones. Times are without
the first second of a run, in which all connections are made; of other answers it is said how many were then.\n`;
  const header = `| server | requests/s | alone | among hostile ones | ratio | hostile, all answered 503 | other answers |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |`;
  const lines = [title, about, header];
  console.log(lines.join('\n'));
  for (const server of SERVERS.filter(({ name }) => name.includes(values.only))) {
    const line = await measureServer(server);
    lines.push(line);
    console.log(line);
  }
  if (!values.save) return;
  const folder = join(__dirname, 'results');
  await mkdir(folder, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  await writeFile(join(folder, `servers-${machineSlug(machine)}-${date}.md`), `${lines.join('\n')}\n`);
}

/** A row of the table. */
async function measureServer({ file, backend, name }: (typeof SERVERS)[number]): Promise<string> {
  const server = await Server.start(file, {
    AINGLE_WASM_BACKEND: backend,
    NODE_ENV: 'production',
    TIMEOUT_MS: String(TIMEOUT_MS),
  });
  try {
    const traffic: Traffic = { address: server.address, body: BODY, honest: HONEST, hostile: [] };
    const rate = Math.floor((await capacity(traffic)) / 2);
    const alone: Answers[] = [];
    const among: Answers[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      alone.push(await atFixedRate(traffic, rate));
      among.push(await atFixedRate({ ...traffic, hostile: HOSTILE }, rate));
    }
    return row(name, rate, alone, among);
  } finally {
    await server.stop();
  }
}

function row(name: string, rate: number, alone: readonly Answers[], among: readonly Answers[]): string {
  const [without, withHostile] = [p99(alone), p99(among)];
  const ratio = withHostile / without;
  const others = [...alone, ...among].flatMap(({ unplanned }) => unplanned);
  const atFirst = [...alone, ...among].reduce((sum, { unplannedAtFirst }) => sum + unplannedAtFirst, 0);
  const hostile = among.reduce((sum, { stopped }) => sum + stopped, 0);
  const cells = [
    name,
    String(rate),
    `${without.toFixed(1)} ms`,
    `${withHostile.toFixed(1)} ms`,
    `${ratio.toFixed(2)} × ${ratio <= TARGET ? '✓' : '✗'}`,
    String(hostile),
    others.length === 0 ? '0 ✓' : `${others.length} ✗, ${atFirst} at first (${[...new Set(others)].join(', ')})`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function p99(runs: readonly Answers[]): number {
  return median(runs.map(({ honestMs }) => percentile(honestMs, 0.99)));
}

void main();
