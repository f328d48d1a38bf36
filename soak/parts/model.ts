// Random interleavings of calls, host calls, nested calls, closes and aborts over a few instances, against a model of what each must come to.
import { Engine, type Module } from 'aingle-wasm';
import * as fc from 'fast-check';
import { guestBytes } from '../guest';
import { heldAtStart, heldSince } from '../held';
import { Slot, type State } from '../model/slot';
import { STEPS, type Step } from '../model/steps';
import { boundOf, type Part, type Rounds, type Run, round, roundsOf } from '../part';

const ROUNDS: Rounds = { long: 100_000, short: 1_500, shortInWorkers: 150 };
const SLOTS = 3;
const STEPS_AT_ONCE = 100;
const STEP_MS = 1_000;
/** After which a step is taken to hang. */
const LOST_MS = 30_000;
const SEED = 20_261_126;

type States = State[];

/** One step on one instance. */
class Command implements fc.AsyncCommand<States, Slot[]> {
  constructor(
    readonly step: Step,
    readonly at: number,
    readonly log: Log,
  ) {}

  check(states: Readonly<States>): boolean {
    return this.step.when.includes(states[this.at]!);
  }

  async run(states: States, slots: Slot[]): Promise<void> {
    const begun = performance.now();
    const slot = slots[this.at]!;
    const other = slots[(this.at + 1) % slots.length]!;
    states[this.at] = await inTime(this.step.run(slot, other), `${this}`);
    const ms = performance.now() - begun;
    this.log.note(this.step, ms);
    if (ms > this.log.allowedMs) throw new Error(`the step took ${round(ms)} ms, allowed are ${this.log.allowedMs}`);
    const seen = slots.map(({ instance }) => instance.state);
    if (`${seen}` !== `${states}`) throw new Error(`the instances are ${seen}, expected ${states}`);
  }

  toString(): string {
    return `${this.step.name} on ${this.at}`;
  }
}

/** What was run, over all sequences. */
class Log {
  steps = 0;
  longestMs = 0;
  readonly kinds = new Set<string>();
  readonly allowedMs: number;

  constructor(allowedMs: number) {
    this.allowedMs = allowedMs;
  }

  note(step: Step, ms: number): void {
    this.steps += 1;
    this.kinds.add(step.name);
    this.longestMs = Math.max(this.longestMs, ms);
  }
}

async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const lost = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} hangs`)), LOST_MS);
  });
  return Promise.race([promise, lost]).finally(() => clearTimeout(timer));
}

async function sequence(module: Module, commands: Iterable<fc.AsyncCommand<States, Slot[]>>): Promise<void> {
  const slots = await Promise.all(Array.from({ length: SLOTS }, () => Slot.make(module)));
  try {
    await fc.asyncModelRun(() => ({ model: slots.map((): State => 'idle'), real: slots }), commands);
  } finally {
    await Promise.all(slots.map((slot) => slot.close()));
  }
}

async function interleave(run: Run, module: Module, log: Log): Promise<void> {
  const one = fc
    .record({ step: fc.constantFrom(...STEPS), at: fc.nat(SLOTS - 1) })
    .map(({ step, at }) => new Command(step, at, log));
  const commands = fc.commands([one], { maxCommands: STEPS_AT_ONCE, size: 'max' });
  const count = roundsOf(run, ROUNDS);
  for (let seed = SEED; log.steps < count; seed++) {
    await fc.assert(
      fc.asyncProperty(commands, (sequenced) => sequence(module, sequenced)),
      { seed, numRuns: 4, interruptAfterTimeLimit: 300_000, markInterruptAsFailure: true },
    );
  }
}

export const model: Part = {
  name: 'model',
  async run(run) {
    const before = await heldAtStart(run.backend);
    const engine = new Engine({ backend: run.backend, threads: 2, meteringLimit: 'unlimited' });
    const module = await engine.compile(guestBytes());
    const log = new Log(boundOf(run, STEP_MS));
    const faults: string[] = [];
    await interleave(run, module, log).catch((error) => faults.push(`${error.message}\n${error.cause ?? ''}`));
    await engine.close();
    const { instances } = engine.stats;
    if (instances !== 0) faults.push(`${instances} instances are left`);
    faults.push(...(await heldSince(before)));
    return {
      figures: `${log.steps} steps of ${log.kinds.size} kinds, longest ${round(log.longestMs)} ms`,
      faults,
    };
  },
};
