// Requests to a server by autocannon: as many as it takes, or at a fixed rate.
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';

export interface Planned {
  readonly path: string;
  readonly status: number;
}

export interface Traffic {
  readonly address: string;
  readonly body: string;
  readonly honest: Planned;
  /** One request in {@link HOSTILE_EVERY} is one of these, in turn; with none, all are honest. */
  readonly hostile: readonly Planned[];
}

/** What came back. */
export interface Answers {
  /** Milliseconds of each honest request that was answered as planned, after the first second. */
  readonly honestMs: number[];
  /** Hostile requests that were answered as planned. */
  stopped: number;
  /** All others, as `path: status`. */
  readonly unplanned: string[];
  /** How many of those were in the first second, in which all connections are made. */
  unplannedAtFirst: number;
}

const SECONDS = 6;
const HOSTILE_EVERY = 100;
const CAPACITY_CONNECTIONS = 16;

/**
 * Autocannon sends what is due in a second at its beginning. So the connections make one request a second each and begin in
 * so many groups, evenly spread over a second: requests come at an even rate, and none waits for the answer to another.
 */
const GROUPS = 50;

/** Honest requests a second that the server answers when the next follows at once. */
export async function capacity(traffic: Traffic): Promise<number> {
  await run(traffic, { connections: CAPACITY_CONNECTIONS, duration: 2 });
  const { requests } = await run(traffic, { connections: CAPACITY_CONNECTIONS, duration: SECONDS });
  return requests.average;
}

/** Sends `rate` requests a second for some seconds. */
export async function atFixedRate(traffic: Traffic, rate: number): Promise<Answers> {
  const answers: Answers = { honestMs: [], stopped: 0, unplanned: [], unplannedAtFirst: 0 };
  let connection = 0;
  const setupClient = (client: autocannon.Client) => {
    client.setRequests([requestEachSecond(traffic, connection++, rate, answers)]);
  };
  const groups = Array.from({ length: GROUPS }, async (_, group) => {
    await sleep((group * 1_000) / GROUPS);
    const connections = Math.floor((rate * (group + 1)) / GROUPS) - Math.floor((rate * group) / GROUPS);
    if (connections === 0) return;
    const { errors } = await run(traffic, { connections, overallRate: connections, duration: SECONDS, setupClient });
    for (let error = 0; error < errors; error += 1) answers.unplanned.push('no answer');
  });
  await Promise.all(groups);
  return answers;
}

/**
 * What a connection sends, again and again, noting the answers: the requests of every `rate`-th number. One object for all of them, as each keeps
 * the bytes that it sent, and the load generator should not spend its time on collecting those.
 */
function requestEachSecond(
  { honest, hostile, body }: Traffic,
  first: number,
  rate: number,
  answers: Answers,
): autocannon.Request {
  let number = first - rate;
  let begun = 0;
  const isHostile = () => hostile.length > 0 && number % HOSTILE_EVERY === HOSTILE_EVERY - 1;
  const planned = () => (isHostile() ? hostile[Math.floor(number / HOSTILE_EVERY) % hostile.length]! : honest);
  return {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body,
    setupRequest: (request) => {
      number += rate;
      begun = performance.now();
      return { ...request, path: planned().path };
    },
    onResponse: (answered) => {
      const { path, status } = planned();
      if (answered !== status) {
        answers.unplanned.push(`${path}: ${answered}`);
        if (number === first) answers.unplannedAtFirst += 1;
      } else if (isHostile()) answers.stopped += 1;
      // The first one is written down before its connection is there, and in that second all connections are made.
      else if (number > first) answers.honestMs.push(performance.now() - begun);
    },
  };
}

function run({ address, body, honest }: Traffic, options: Partial<autocannon.Options>): Promise<autocannon.Result> {
  const headers = { 'content-type': 'text/csv' };
  return autocannon({ url: `${address}${honest.path}`, method: 'POST', headers, body, ...options });
}
