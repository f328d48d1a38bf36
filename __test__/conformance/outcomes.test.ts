// The table of outcomes in docs/errors.md, row by row: code, state of the instance, arena, fuel.
import { envelope, type InstanceOptions } from 'aingle-wasm';
import { describe, expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { PUPPET, Puppet, puppetText } from './support/puppet';
import { wat } from './support/wat';

const HOST =
  '(import "env" "fail" (func $fail)) (func (export "host") (param i32 i32) (result i64) (call $fail) (i64.const 0))';

function failing(): InstanceOptions {
  return {
    imports: {
      env: {
        fail: () => {
          throw new Error('no');
        },
      },
    },
  };
}

interface Row {
  readonly outcome: string;
  /** Lays out what the guest answers. */
  readonly prepare?: (puppet: Puppet) => void;
  readonly call: string;
  readonly code: string | undefined;
  readonly kept: boolean;
  /** Whether `afterTrap: 'keep'` keeps it usable. */
  readonly keepable?: boolean;
  readonly reset: boolean;
  readonly exact: boolean;
}

const damaged = envelope.encode(Uint8Array.of(1, 2, 3));
damaged[damaged.length - 1]! ^= 1;

const ROWS: readonly Row[] = [
  {
    outcome: 'returned bytes',
    prepare: (p) => p.answer(envelope.encode(Uint8Array.of(1))),
    call: 'ok',
    code: undefined,
    kept: true,
    reset: true,
    exact: true,
  },
  { outcome: 'returned nothing', call: 'ok', code: undefined, kept: true, reset: true, exact: true },
  {
    outcome: 'returned an error',
    prepare: (p) => p.answer(envelope.encode(Buffer.from('no'), { error: true }), true),
    call: 'ok',
    code: 'ERR_GUEST',
    kept: true,
    reset: true,
    exact: true,
  },
  {
    outcome: 'returned an error without a message',
    prepare: (p) => p.answerAt(0, 0, true),
    call: 'ok',
    code: 'ERR_GUEST',
    kept: true,
    reset: true,
    exact: true,
  },
  {
    outcome: 'returned a pointer outside its memory',
    prepare: (p) => p.answerAt(PUPPET.memoryBytes - 8, 16),
    call: 'ok',
    code: 'ERR_GUEST_POINTER',
    kept: true,
    reset: true,
    exact: true,
  },
  {
    outcome: 'returned a damaged envelope',
    prepare: (p) => p.answer(damaged),
    call: 'ok',
    code: 'ERR_ENVELOPE_CHECKSUM',
    kept: true,
    reset: true,
    exact: true,
  },
  {
    outcome: 'returned too much',
    prepare: (p) => p.answer(envelope.encode(new Uint8Array(1_001))),
    call: 'ok',
    code: 'ERR_OUTPUT_LIMIT',
    kept: true,
    reset: true,
    exact: true,
  },
  { outcome: 'trapped', call: 'trap', code: 'ERR_TRAP', kept: false, keepable: true, reset: false, exact: false },
  {
    outcome: 'recursed too deeply',
    call: 'recurse',
    code: 'ERR_STACK_OVERFLOW',
    kept: false,
    keepable: true,
    reset: false,
    exact: false,
  },
  {
    outcome: 'used its fuel',
    call: 'loop',
    code: 'ERR_FUEL_EXHAUSTED',
    kept: false,
    keepable: false,
    reset: false,
    exact: true,
  },
  {
    outcome: 'its host function threw',
    call: 'host',
    code: 'ERR_HOST_FUNCTION',
    kept: false,
    keepable: true,
    reset: false,
    exact: false,
  },
];

const LIMITS = { limits: { outputBytes: 1_000 } };
const FUEL = 1_000_000n;

onEveryBackend('outcomes', (lab) => {
  describe.each(ROWS)('$outcome', (row) => {
    const make = async (afterTrap: 'poison' | 'keep' = 'poison') => {
      const puppet = await Puppet.of(lab.engine(), wat(puppetText('envelope', HOST)), {
        ...failing(),
        ...LIMITS,
        afterTrap,
      });
      row.prepare?.(puppet);
      return puppet;
    };

    test.each(['call', 'callSync'] as const)('%s', async (how) => {
      const puppet = await make();
      const outcome = await lab.observe(
        puppet.instance,
        async () => (await puppet.instance[how](row.call, 'in', { fuel: FUEL })).bytes,
      );
      expect(outcome).toMatchObject(row.code === undefined ? { value: expect.anything() } : { code: row.code });
      expect(outcome.state).toBe(row.kept ? 'idle' : 'poisoned');
      expect(lab.record(puppet.resets)).toBe(row.reset ? 1 : 0);
      if (row.code === 'ERR_FUEL_EXHAUSTED') expect(outcome.fuelUsed).toBe(FUEL);
      else expect(outcome.fuelUsed).toBeGreaterThan(0n);
    });

    test('what comes after it', async () => {
      const { instance } = await make();
      await lab.observe(instance, () => instance.call(row.call, 'in', { fuel: FUEL }));
      const next = await lab.observe(instance, () => instance.call('ok', 'in'));
      if (row.kept) expect(next).not.toMatchObject({ code: 'ERR_INSTANCE_POISONED' });
      else
        expect(next).toMatchObject({ code: 'ERR_INSTANCE_POISONED', state: 'poisoned', details: { reason: row.code } });
    });

    test('what comes after it with afterTrap: "keep"', async () => {
      const puppet = await make('keep');
      const { instance } = puppet;
      const outcome = await lab.observe(instance, () => instance.call(row.call, 'in', { fuel: FUEL }));
      expect(outcome.state).toBe(row.kept || row.keepable ? 'idle' : 'poisoned');
      if (outcome.state !== 'idle') return;
      puppet.answer(envelope.encode(Uint8Array.of(9)));
      expect((await instance.call('ok', 'in')).bytes).toEqual(Uint8Array.of(9));
    });
  });

  test('a call that the memory’s own machine refuses leaves nothing changed', async () => {
    const puppet = await Puppet.make(lab, 'envelope');
    const { instance } = puppet;
    await instance.call('ok', 'x');
    const before = instance.fuelUsed;
    for (const run of [
      () => instance.call('missing', 'x'),
      () => instance.call('recurs', 'x'),
      () => instance.call('ok', 1 as unknown as string),
      () => instance.call('ok', 'x', { fuel: 0 }),
      () => instance.callRaw('ok', 'x' as unknown as Uint8Array),
    ]) {
      expect(await lab.observe(instance, run)).toMatchObject({ state: 'idle', fuelUsed: before });
    }
    expect(lab.record(puppet.resets)).toBe(1);
  });

  test('the bytes ABI gives each block back once, also after a bad result', async () => {
    const puppet = await Puppet.make(lab, 'bytes');
    const { instance } = puppet;
    puppet.answer(Uint8Array.of(1, 2, 3));
    expect(instance.callRaw('ok', Uint8Array.of(7))).toEqual(Uint8Array.of(1, 2, 3));
    expect(lab.record(puppet.freed)).toBe(2);
    expect(Buffer.from(puppet.seen())).toEqual(Buffer.of(7));
    puppet.answerAt(PUPPET.inputs, 1);
    expect(instance.callRaw('ok', Uint8Array.of(7))).toEqual(Uint8Array.of(7));
    expect(lab.record(puppet.freed)).toBe(3);
    puppet.answerAt(0, 0);
    instance.callRaw('ok', new Uint8Array(0));
    expect(lab.record(puppet.freed)).toBe(3);
    puppet.answer(Uint8Array.of(110, 111), true);
    expect(await lab.observe(instance, () => instance.callSync('ok'))).toMatchObject({
      code: 'ERR_GUEST',
      details: { message: 'no' },
    });
    expect(lab.record(puppet.freed)).toBe(4);
  });

  test.each([PUPPET.memoryBytes, PUPPET.memoryBytes - 1, 2 ** 32 - 1, 2 ** 31])(
    'an allocator that gives %i is a bad pointer',
    async (at) => {
      const puppet = await Puppet.make(lab, 'envelope');
      puppet.allocateAt(at);
      expect(await lab.observe(puppet.instance, () => puppet.instance.call('ok', 'input'))).toMatchObject({
        code: 'ERR_GUEST_POINTER',
        state: 'idle',
        details: { memory: PUPPET.memoryBytes },
      });
      puppet.allocateAt(PUPPET.inputs);
      expect((await puppet.instance.call('ok', 'input')).bytes).toHaveLength(0);
    },
  );

  test('an allocator that gives 0 has no room', async () => {
    for (const abi of ['envelope', 'bytes'] as const) {
      const puppet = await Puppet.make(lab, abi);
      puppet.allocateAt(0);
      expect(await lab.observe(puppet.instance, () => puppet.instance.call('ok', 'input'))).toMatchObject({
        code: 'ERR_GUEST_POINTER',
        state: 'idle',
      });
    }
  });
});
