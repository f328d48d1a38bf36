// What the example guests compute, against the same computed here.
import { describe, expect, test } from 'vitest';
import { guestBytes, PlainGuest } from './plain-host.js';

interface Statistics {
  count: number;
  min: number;
  max: number;
  mean: number;
  first: string;
  last: string;
}

describe('summary', () => {
  const csv = guestBytes('build/readings.csv').toString();
  const summarize = (text: string) => PlainGuest.load('build/summary.wasm').call('summarize', text);

  test('of 10,000 readings', () => {
    const summary = JSON.parse(summarize(csv).payload.toString());
    const readings = csv.split('\n').slice(1, -1);
    expect(readings.length).toBe(10_000);
    const accepted = readings.filter((line) => /^[^,]+,[^,]{20},-?[\d.]+$/.test(line));
    expect(summary).toMatchObject({ accepted: accepted.length, rejected: 10_000 - accepted.length });
    expect(summary.rejections.length).toBe(10);

    const expected = statisticsOf(accepted);
    expect(Object.keys(summary.sensors)).toEqual([...expected.keys()].sort());
    for (const [sensor, { mean, ...exact }] of expected) {
      expect(summary.sensors[sensor]).toMatchObject(exact);
      expect(summary.sensors[sensor].mean).toBeCloseTo(mean, 6);
    }
  });

  test('lists what is wrong with a line, by its number', () => {
    const text =
      'a,2026-03-01T00:00:00Z,1\nb\n\na,2026-13-01T00:00:00Z,1\na,2026-03-01T00:00:00Z,inf\n,2026-03-01T00:00:00Z,1\na,2026-03-01T00:00:00Z,1x\n';
    expect(JSON.parse(summarize(text).payload.toString()).rejections).toEqual([
      { line: 2, reason: 'not three fields' },
      { line: 4, reason: 'not a timestamp' },
      { line: 5, reason: 'not a finite number' },
      { line: 6, reason: 'no sensor' },
      { line: 7, reason: 'not a number' },
    ]);
  });

  test('of nothing is an error', () => {
    const reply = summarize('sensor,timestamp,value\nnonsense\n');
    expect(reply.isError).toBe(true);
    expect(reply.payload.toString()).toContain('none of 1 lines is a reading');
  });
});

describe('transform', () => {
  const transform = (job: unknown) => PlainGuest.load('build/transform.wasm').call('transform', JSON.stringify(job));

  test('applies steps in order', () => {
    const records = [
      { id: 1, price: 10, place: { city: 'Oslo', at: { x: 1 } }, ok: true },
      { id: 2, price: 20, ok: false },
      { id: 3, ok: true },
    ];
    const steps = [
      { do: 'keep', field: 'ok', equals: true },
      { do: 'remove', field: 'ok' },
      { do: 'rename', field: 'price', to: 'cents' },
      { do: 'scale', field: 'cents', by: 100 },
      { do: 'flatten' },
      { do: 'set', field: 'tags', value: ['new'] },
    ];
    expect(JSON.parse(transform({ records, steps }).payload.toString())).toEqual([
      { id: 1, cents: 1000, 'place.city': 'Oslo', 'place.at.x': 1, tags: ['new'] },
      { id: 3, tags: ['new'] },
    ]);
  });

  test.each([
    [{ records: [], steps: [{ do: 'explode' }] }, 'unknown variant `explode`'],
    [{ records: [] }, 'missing field `steps`'],
    [{ records: [{ a: 'x' }], steps: [{ do: 'scale', field: 'a', by: 2 }] }, 'field "a" is not a number'],
  ])('refuses %j', (job, message) => {
    const reply = transform(job);
    expect(reply.isError).toBe(true);
    expect(reply.payload.toString()).toContain(message);
  });

  test('refuses JSON that is nested too deeply', () => {
    const deep = `{"records":[{"a":${'['.repeat(200)}${']'.repeat(200)}}],"steps":[]}`;
    const reply = PlainGuest.load('build/transform.wasm').call('transform', deep);
    expect(reply.payload.toString()).toContain('recursion limit exceeded');
  });
});

function statisticsOf(lines: readonly string[]): Map<string, Statistics> {
  const all = new Map<string, Statistics>();
  for (const line of lines) {
    const [sensor, time, text] = line.split(',') as [string, string, string];
    const value = Number(text);
    const known = all.get(sensor) ?? { count: 0, min: value, max: value, mean: 0, first: time, last: time };
    all.set(sensor, {
      count: known.count + 1,
      min: Math.min(known.min, value),
      max: Math.max(known.max, value),
      mean: (known.mean * known.count + value) / (known.count + 1),
      first: known.first < time ? known.first : time,
      last: known.last > time ? known.last : time,
    });
  }
  return all;
}
