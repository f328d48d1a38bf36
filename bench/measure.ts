// Times subjects against each other: rounds in turn, each subject once a round, so that what the machine does meanwhile hits all alike;
// the median of the rounds counts.

/** One thing that is timed. */
export interface Subject {
  readonly name: string;
  /** Does the thing `times` times; one that waits returns a promise. */
  run(times: number): void | Promise<void>;
}

export interface Settings {
  readonly rounds: number;
  /** How long one subject runs in one round, at least. */
  readonly sampleMs: number;
  /** How long a subject runs before the rounds: compilers in the process take their time. */
  readonly warmUpMs: number;
}

export const FULL: Settings = { rounds: 15, sampleMs: 25, warmUpMs: 150 };

/** Each subject once: proves that all of them run, measures nothing. */
export const QUICK: Settings = { rounds: 1, sampleMs: 0, warmUpMs: 0 };

/** Nanoseconds of one time of each subject, by name: medians over the rounds. */
export async function measure(subjects: readonly Subject[], settings: Settings): Promise<Map<string, number>> {
  const trials: { subject: Subject; times: number; samples: number[] }[] = [];
  for (const subject of subjects) trials.push({ subject, times: await warmUp(subject, settings), samples: [] });
  for (let round = 0; round < settings.rounds; round += 1) {
    // Nobody always runs after the same neighbour.
    for (const trial of rotated(trials, round)) {
      globalThis.gc?.();
      trial.samples.push((await elapsed(trial.subject, trial.times)) / trial.times);
    }
  }
  return new Map(trials.map(({ subject, samples }) => [subject.name, median(samples)]));
}

/** Runs a subject until it is warm; returns how many times it is to run in a round. */
async function warmUp(subject: Subject, { sampleMs, warmUpMs }: Settings): Promise<number> {
  let times = 1;
  let total = 0;
  for (;;) {
    const ns = await elapsed(subject, times);
    total += ns;
    if (total < warmUpMs * 1e6) times = Math.min(times * 2, timesFor(sampleMs, ns / times));
    else return timesFor(sampleMs, ns / times);
  }
}

function timesFor(sampleMs: number, nsEach: number): number {
  return Math.max(1, Math.ceil((sampleMs * 1e6) / Math.max(nsEach, 0.1)));
}

async function elapsed(subject: Subject, times: number): Promise<number> {
  const begun = process.hrtime.bigint();
  const pending = subject.run(times);
  if (pending !== undefined) await pending;
  return Number(process.hrtime.bigint() - begun);
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

/** The value below which `part` of the others are. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
