// Real guests, made with the guest kit and with plain allocators: right results, the same fuel, whole files.
import { readFileSync } from 'node:fs';
import type { HostInput } from 'aingle-wasm';
import { describe, expect, test } from 'vitest';
import { guest, guestFile } from './support/guests';
import { onEveryBackend } from './support/lab';

interface Sensor {
  count: number;
  min: number;
  max: number;
  mean: number;
  first: string;
  last: string;
}

interface Summary {
  accepted: number;
  rejected: number;
  rejections: { line: number; reason: string }[];
  sensors: Record<string, Sensor>;
}

const READINGS = readFileSync(new URL('../../guests/build/readings.csv', import.meta.url), 'utf8');
const TIMESTAMP = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)Z$/;

/** The same summary by other means: an independent reading of the file. */
function summarize(csv: string): Omit<Summary, 'rejections'> {
  const sensors: Record<string, Sensor & { sum: number }> = {};
  let rejected = 0;
  for (const line of csv.split(/\r?\n/).slice(1)) {
    if (line.trim() === '') continue;
    const [sensor, time, text, ...rest] = line.split(',').map((field) => field.trim());
    const value = Number(text);
    if (!sensor || !TIMESTAMP.test(time ?? '') || !text || !Number.isFinite(value) || rest.length > 0) {
      rejected++;
      continue;
    }
    const known = sensors[sensor] ?? { count: 0, min: value, max: value, mean: 0, sum: 0, first: time!, last: time! };
    sensors[sensor] = known;
    known.count++;
    known.sum += value;
    known.min = Math.min(known.min, value);
    known.max = Math.max(known.max, value);
    if (time! < known.first) known.first = time!;
    if (time! > known.last) known.last = time!;
  }
  const accepted = Object.values(sensors).reduce((sum, { count }) => sum + count, 0);
  for (const sensor of Object.values(sensors)) sensor.mean = sensor.sum / sensor.count;
  return { accepted, rejected, sensors };
}

onEveryBackend('guests', (lab) => {
  test('summary: ten thousand readings', async () => {
    const instance = await lab.instantiate(guest('summary'));
    const result = await instance.call('summarize', READINGS);
    const found = lab.record(result.json<Summary>());
    const expected = summarize(READINGS);
    expect(found.accepted + found.rejected).toBe(10_000);
    expect([found.accepted, found.rejected]).toEqual([expected.accepted, expected.rejected]);
    expect(Object.keys(found.sensors).sort()).toEqual(Object.keys(expected.sensors).sort());
    for (const [name, { mean, ...sensor }] of Object.entries(found.sensors)) {
      expect(expected.sensors[name]).toMatchObject(sensor);
      expect(mean).toBeCloseTo(expected.sensors[name]!.mean, 6);
    }
    lab.record(result.fuelUsed);
    expect(lab.record(instance.callSync('summarize', READINGS).fuelUsed)).toBeGreaterThan(1_000_000n);
  });

  test('summary: a file without readings is an error of the guest', async () => {
    const instance = await lab.instantiate(guest('summary'));
    expect(await lab.observe(instance, () => instance.call('summarize', 'sensor,timestamp,value\nx\n'))).toMatchObject({
      code: 'ERR_GUEST',
      message: expect.stringContaining('none of 1 lines is a reading'),
      state: 'idle',
    });
    expect(await lab.observe(instance, () => instance.call('summarize', Uint8Array.of(0xff, 0xfe)))).toMatchObject({
      code: 'ERR_GUEST',
    });
  });

  test('transform: JSON in, JSON out', async () => {
    const instance = await lab.instantiate(guest('transform'));
    const records = [
      { place: { house: 1, row: 2 }, celsius: 20.5, unit: 'C' },
      { place: { house: 2, row: 7 }, celsius: 30, unit: 'C' },
      { place: { house: 1, row: 3 }, celsius: -1, unit: 'F' },
    ];
    const steps = [
      { do: 'keep', field: 'unit', equals: 'C' },
      { do: 'flatten' },
      { do: 'rename', field: 'place.house', to: 'house' },
      { do: 'remove', field: 'unit' },
      { do: 'scale', field: 'celsius', by: 2 },
      { do: 'set', field: 'checked', value: true },
    ];
    const result = await instance.call('transform', JSON.stringify({ records, steps }));
    expect(lab.record(result.json())).toEqual([
      { house: 1, 'place.row': 2, celsius: 41, checked: true },
      { house: 2, 'place.row': 7, celsius: 60, checked: true },
    ]);
    lab.record(result.fuelUsed);
    expect(await lab.observe(instance, () => instance.call('transform', '{"records":1}'))).toMatchObject({
      code: 'ERR_GUEST',
      state: 'idle',
    });
    expect(
      await lab.observe(instance, () =>
        instance.call('transform', JSON.stringify({ records, steps: [{ do: 'scale', field: 'unit', by: 2 }] })),
      ),
    ).toMatchObject({
      code: 'ERR_GUEST',
      message: expect.stringContaining('is not a number'),
    });
  });

  test('echo: text and lengths of every size', async () => {
    const instance = await lab.instantiate(guest('echo'));
    expect((await instance.call('greet', 'Ada')).text()).toBe('Hello, Ada!');
    expect((await instance.call('length', new Uint8Array(1_000_000))).text()).toBe('1000000');
    expect((await instance.call('repeat', '1000000')).bytes).toHaveLength(1_000_000);
    expect(await lab.observe(instance, () => instance.call('repeat', 'many'))).toMatchObject({ code: 'ERR_GUEST' });
    expect(lab.record(instance.fuelUsed)).toBeGreaterThan(0n);
  });

  describe('host calls of the guest kit', () => {
    const reverse = (input: HostInput) => [...input.text()].reverse().join('');

    test('go out and come back', async () => {
      const instance = await lab.instantiate(guest('hostcall'), { host: { __my_host_fn: reverse } });
      expect((await instance.call('my_function', 'stressed')).text()).toBe('DESSERTS');
      expect(instance.callSync('forward', 'abc').text()).toBe('cba');
      const repeated = await instance.call('repeat', '123');
      expect(repeated.text()).toBe('321');
      expect(repeated.receipt.hostCalls).toBe(123);
      expect(lab.record(repeated.fuelUsed)).toBeGreaterThan(0n);
    });

    test.each([0, 1, 100, 10_000, 1_000_000])('carry %i bytes each way', async (length) => {
      const instance = await lab.instantiate(guest('hostcall'), { host: { __my_host_fn: ({ bytes }) => bytes } });
      const input = Uint8Array.from({ length }, (_, index) => index);
      expect(Buffer.from(input).equals((await instance.call('forward', input)).bytes)).toBe(true);
      expect(lab.record(instance.fuelUsed)).toBeGreaterThan(0n);
    });

    test('of a guest that floods the host stop for fuel', async () => {
      let calls = 0;
      const instance = await lab.instantiate(guest('hostcall'), { host: { __my_host_fn: () => void calls++ } });
      expect(await lab.observe(instance, () => instance.call('flood', 'x', { fuel: 200_000 }))).toMatchObject({
        code: 'ERR_FUEL_EXHAUSTED',
        fuelUsed: 200_000n,
      });
      expect(lab.record(calls)).toBeGreaterThan(100);
    });

    test.each([
      ['wild_request', 'ERR_GUEST_POINTER'],
      ['damaged_request', 'ERR_ENVELOPE_LENGTH'],
    ])('with a %s are refused before the host function runs', async (name, code) => {
      let calls = 0;
      const instance = await lab.instantiate(guest('hostcall'), { host: { __my_host_fn: () => void calls++ } });
      expect(await lab.observe(instance, () => instance.callSync(name, 'a longer input'))).toMatchObject({
        code,
        phase: 'host',
        state: 'poisoned',
      });
      expect(calls).toBe(0);
    });
  });

  describe('plain allocators', () => {
    const bytes = Uint8Array.from({ length: 1_000 }, (_, index) => index);

    test('malloc and free: every block is given back once', async () => {
      const instance = await lab.instantiate(guest('wat/bytes-malloc'));
      for (const name of ['echo', 'same']) {
        expect(Buffer.from(bytes).equals(instance.callRaw(name, bytes))).toBe(true);
        expect(instance.exports.live!()).toBe(0);
      }
      expect(instance.callRaw('echo', new Uint8Array(0))).toHaveLength(0);
      expect(await lab.observe(instance, () => instance.call('fail', 'broken'))).toMatchObject({
        code: 'ERR_GUEST',
        details: { message: 'broken' },
      });
      expect(lab.record(instance.exports.live!())).toBe(0);
    });

    test('allocate and deallocate with lengths', async () => {
      const instance = await lab.instantiate(guest('wat/bytes-sized'));
      expect(instance.callRaw('flip', Uint8Array.of(0, 1, 254))).toEqual(Uint8Array.of(1, 0, 255));
      expect(lab.record(instance.exports.balance!())).toBe(0);
    });

    test('a collected language: pinned while in use, class 1', async () => {
      const instance = await lab.instantiate(guest('wat/bytes-collected'));
      expect(Buffer.from(bytes).equals((await instance.call('echo', bytes)).bytes)).toBe(true);
      expect(lab.record([instance.exports.pinned!(), instance.exports.class!()])).toEqual([0, 1]);
    });
  });

  test('a guest made for a later convention is refused', async () => {
    const module = await lab.compile(guest('wat/abi-newer'));
    expect(await lab.observe(undefined, () => module.instantiate())).toMatchObject({
      code: 'ERR_FEATURE_DISABLED',
      phase: 'link',
    });
  });

  test('a call buffer outside of the memory is no reason to crash', async () => {
    const module = await lab.compile(guest('wat/call-buffer-wild'));
    const outcome = await lab.observe(undefined, async () => (await module.instantiate()).callSync('run', 'x').bytes);
    if ('code' in outcome) expect(outcome.code).toMatch(/^ERR_GUEST_POINTER$/);
    else expect(outcome.value).toEqual(Uint8Array.of(120));
  });

  test.each(['@mtcute/wasm/mtcute.wasm', '@mtcute/wasm/mtcute-simd.wasm', '@cwasm/lodepng/lodepng.wasm'])(
    '%s, made by others, runs',
    async (name) => {
      const module = await lab.compile(guestFile(`../node_modules/${name}`));
      const instance = await module.instantiate();
      lab.record(module.exports);
      const allocate = instance.exports.malloc ?? instance.exports.__malloc!;
      const at = lab.record(allocate(1_000));
      instance.memory.write(at, new Uint8Array(1_000).fill(7));
      (instance.exports.free ?? instance.exports.__free!)(at);
      expect(lab.record(instance.fuelUsed)).toBeGreaterThan(0n);
    },
  );
});
