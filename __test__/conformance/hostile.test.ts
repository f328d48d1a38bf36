// Every way to misbehave, each a thousand times in one process: always the same code, and the process and other guests go on.
import { type Engine, hostFunction, type Instance, type Module } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { FUEL, hostileModule, LIMITS, MISDEEDS, type Misdeed } from './support/hostile';
import { type Lab, onEveryBackend } from './support/lab';
import { wat } from './support/wat';

const ROUNDS = 1_000;
/** The first ones with a thread of their own for every guest, where a backend has that. */
const ASYNC_ROUNDS = 20;
/** Dear, so that a guest that calls it for ever has used up its fuel after a hundred ways between threads. */
const IMPORTS = { env: { note: hostFunction(() => {}, { params: ['i32'], cost: 200 }) } };

function commit(instance: Instance, { export: name, bytes }: Misdeed, sync: boolean): unknown {
  if (bytes) return sync ? instance.callSync(name, 'x') : instance.call(name, 'x');
  return sync ? instance.exports[name]!() : instance.invoke(name);
}

async function codeOf(module: Module, misdeed: Misdeed, round: number): Promise<string> {
  const options = { imports: IMPORTS };
  using instance = round < ASYNC_ROUNDS ? await module.instantiate(options) : module.instantiateSync(options);
  try {
    await commit(instance, misdeed, round % 3 > 0);
    return 'returned';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function compileAll(engine: Engine): Promise<[Misdeed, Module][]> {
  return Promise.all(
    MISDEEDS.map(async (misdeed) => [
      misdeed,
      await engine.compileCached(misdeed.module, hostileModule(misdeed.module)),
    ]),
  );
}

onEveryBackend('hostile guests', (lab: Lab) => {
  test.each(MISDEEDS)('$name', async (misdeed) => {
    const module = await lab.compile(hostileModule(misdeed.module), { meteringLimit: FUEL, limits: LIMITS });
    for (const sync of [true, false]) {
      const instance = await module.instantiate({ imports: IMPORTS });
      const outcome = await lab.observe(instance, () => commit(instance, misdeed, sync));
      expect(outcome).toMatchObject({ code: misdeed.code, ...(misdeed.details && { details: misdeed.details }) });
    }
  });

  test(`${MISDEEDS.length} misdeeds, each ${ROUNDS} times in one process`, { timeout: 600_000 }, async () => {
    const engine = lab.engine({ meteringLimit: FUEL, limits: LIMITS });
    const modules = await compileAll(engine);
    const witness = await (
      await engine.compile(
        wat('(func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))'),
      )
    ).instantiate();
    for (let round = 0; round < ROUNDS; round++) {
      for (const [misdeed, module] of modules) {
        const code = await codeOf(module, misdeed, round);
        if (code !== misdeed.code) expect.fail(`${misdeed.name}, round ${round}: ${code} instead of ${misdeed.code}`);
      }
      if (witness.exports.add!(round, 1) !== round + 1) expect.fail(`another guest broke in round ${round}`);
    }
    expect(lab.record(engine.stats.instances)).toBe(1);
  });

  test('a guest that overwrites all of its memory harms nobody but itself', async () => {
    const module = await lab.compile(hostileModule('misbehave'), { limits: LIMITS });
    const instance = await module.instantiate();
    const outcome = await lab.observe(instance, () => instance.call('overwrite_everything', 'x'));
    expect(outcome).toMatchObject({ code: expect.stringMatching(/^ERR_(GUEST|GUEST_POINTER|TRAP|ENVELOPE_\w+)$/) });
    const other = await module.instantiate();
    expect(await lab.observe(other, () => other.call('error_text', 'x'))).toMatchObject({ code: 'ERR_GUEST' });
  });

  test('a guest that takes all the memory it gets is told when there is no more', async () => {
    const instance = await lab.instantiate(hostileModule('misbehave'), { limits: { memoryBytes: 100 * 65_536 } });
    expect((await instance.call('grow_until_refused', 'x')).text()).toBe('100');
    expect(lab.record(instance.memory.pages)).toBe(100);
  });

  test('a result of the limit passes, one byte more does not', async () => {
    const instance = await lab.instantiate(hostileModule('misbehave'), { limits: { outputBytes: 10_000 } });
    expect((await instance.call('large_output', '10000')).bytes).toHaveLength(10_000);
    expect(await lab.observe(instance, () => instance.call('large_output', '10001'))).toMatchObject({
      code: 'ERR_OUTPUT_LIMIT',
      state: 'idle',
    });
  });
});
