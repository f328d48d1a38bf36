// Processes that end in every way with endless calls in flight: as they are meant to, and at once.
import { spawn } from 'node:child_process';
import { percentile } from '../../bench/measure';
import { GUEST_FILE, programFile } from '../guest';
import { boundOf, type Part, type Rounds, type Run, repeatedly, round, roundsOf } from '../part';

const ROUNDS: Rounds = { long: 200, short: 1 };
const AT_ONCE = 2;
const HANG_MS = 1_500;
/** After which a process is given up. */
const LOST_MS = 30_000;

/** How a way to end is meant to come out. The ways themselves are in programs/exit.mjs. */
interface Way {
  readonly status: number | null;
  readonly signal?: NodeJS.Signals;
  /** What this process sends when the other is ready. */
  readonly send?: NodeJS.Signals;
  readonly says?: string;
}

const WAYS: Readonly<Record<string, Way>> = {
  exits: { status: 7 },
  exitsInside: { status: 8 },
  exitsInsideSync: { status: 9 },
  throws: { status: 1 },
  throwsInside: { status: 1 },
  rejects: { status: 1 },
  terminated: { status: null, signal: 'SIGTERM', send: 'SIGTERM' },
  interrupted: { status: null, signal: 'SIGINT', send: 'SIGINT' },
  handlesSigterm: { status: 6, send: 'SIGTERM' },
  closesEngine: { status: 0, says: 'ERR_ENGINE_CLOSED' },
  closesInstances: { status: 0, says: 'ERR_INSTANCE_CLOSED' },
  aborts: { status: 0, says: 'ERR_ABORTED' },
  deadlines: { status: 0, says: 'ERR_TIMEOUT' },
  idle: { status: 0, says: 'idle' },
};

interface End {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly said: string;
  readonly errors: string;
  /** Milliseconds from when it was ready to end. */
  readonly ms: number;
}

function endOne(name: string, { send }: Way, { backend }: Run): Promise<End> {
  const child = spawn(process.execPath, [programFile('exit'), name, backend, GUEST_FILE], { stdio: 'pipe' });
  const lost = setTimeout(() => child.kill('SIGKILL'), LOST_MS);
  let said = '';
  let errors = '';
  let ready = Number.NaN;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (!Number.isNaN(ready) || !said.startsWith('ready\n')) return;
    ready = performance.now();
    if (send !== undefined) child.kill(send);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  let exited = Number.NaN;
  child.on('exit', () => {
    exited = performance.now();
  });
  return new Promise((resolve) => {
    child.on('close', (status, signal) => {
      clearTimeout(lost);
      // On a busy machine its end may be heard of before what it said.
      const ms = Math.max(exited - ready, 0);
      resolve({ status, signal, said: said.replace('ready\n', '').trim(), errors, ms });
    });
  });
}

function faultsOf(name: string, { status, signal = undefined, says = '' }: Way, run: Run, end: End): string[] {
  const asMeant = end.status === status && end.signal === (signal ?? null) && end.said === says;
  if (!asMeant)
    return [`${name}: status ${end.status}, signal ${end.signal}, said "${end.said}"; ${end.errors.slice(0, 300)}`];
  return end.ms < boundOf(run, HANG_MS) ? [] : [`${name}: took ${round(end.ms)} ms to end`];
}

export const exits: Part = {
  name: 'exits',
  async run(run) {
    const times: number[] = [];
    const faults: string[] = [];
    const queue = Object.entries(WAYS).flatMap(([name, way]) =>
      Array.from({ length: roundsOf(run, ROUNDS) }, () => ({ name, way })),
    );
    await repeatedly(queue.length, AT_ONCE, async (index) => {
      const { name, way } = queue[index]!;
      const end = await endOne(name, way, run);
      times.push(end.ms);
      faults.push(...faultsOf(name, way, run, end));
    });
    const figures = `${queue.length} processes ended in ${Object.keys(WAYS).length} ways, p50 ${round(percentile(times, 0.5))} ms, longest ${round(Math.max(...times))} ms`;
    return { figures, faults };
  },
};
