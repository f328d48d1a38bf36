// The WebAssembly specification's own suite: every bit of it on prepared modules in V8, and what JavaScript values can carry through the
// public API on every backend.
import { Engine } from 'aingle-wasm';
import { beforeAll, expect, test } from 'vitest';
import { BACKENDS } from '../conformance/support/backends';
import { FacadeTarget } from './support/facade';
import { PlainTarget } from './support/plain';
import { exportSuite, readExclusions, readScripts, type Script } from './support/script';
import { Stage } from './support/stage';
import { emptyTally, judge, type Tally } from './support/tally';
import type { Target } from './support/target';

/** cargo may have to compile the exporter first. */
const EXPORT_MS = 600_000;
const SUITE_MS = 300_000;
/** One file has a `br_table` of 24,616 targets, more than is allowed by default. */
const complexity = { branchTargets: 32_768 };

beforeAll(exportSuite, EXPORT_MS);

test('every assertion holds on prepared modules', { timeout: SUITE_MS }, () => {
  const { core, simd } = runSuite('prepared on v8', () => new PlainTarget());
  expect(core.excluded + core.uncarried + simd.excluded + simd.uncarried).toBe(0);
});

test.each(BACKENDS)(
  'every assertion that JavaScript values carry holds through the public API on %s',
  { timeout: SUITE_MS },
  async (backend) => {
    const engine = new Engine({ backend, complexity });
    const { core, simd } = runSuite(`the public API on ${backend}`, () => new FacadeTarget(engine));
    expect(core.passed).toBeGreaterThan(20_000);
    expect(simd.passed).toBeGreaterThan(20_000);
    await engine.close();
  },
);

/** Runs every script, each on a target of its own. */
function runSuite<Instance extends object>(name: string, makeTarget: () => Target<Instance>) {
  const totals = { core: emptyTally(), simd: emptyTally() };
  const problems: string[] = [];
  for (const script of readScripts()) {
    const tally = runScript(script, makeTarget());
    for (const count of ['passed', 'excluded', 'uncarried'] as const) totals[script.group][count] += tally[count];
    problems.push(...tally.problems.map((problem) => `${script.name}:${problem}`));
  }
  for (const [group, { passed, excluded, uncarried }] of Object.entries(totals)) {
    console.log(`${name}, ${group}: ${passed} passed, ${excluded} excluded, ${uncarried} not carried by JavaScript`);
  }
  expect(problems).toEqual([]);
  return totals;
}

function runScript<Instance extends object>(script: Script, target: Target<Instance>): Tally {
  const rows = readExclusions().filter((row) => row.file === script.name && target.unable.has(row.reason));
  const stage = new Stage(target, script);
  const tally = emptyTally();
  for (const command of script.commands) judge(tally, command, stage.apply(command), rows);
  return tally;
}
