// The WebAssembly specification's own suite on the v8 backend, through the public API.
import { Engine } from 'aingle-wasm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportSuite, readExclusions, readScripts, type Script } from './support/script';
import { Stage } from './support/stage';
import { emptyTally, judge, type Tally } from './support/tally';

/** cargo may have to compile the exporter first. */
const EXPORT_MS = 600_000;
/** One file has a `br_table` of 24,616 targets, more than is allowed by default. */
const complexity = { branchTargets: 32_768 };

let engine: Engine;

beforeAll(() => {
  exportSuite();
  engine = new Engine({ backend: 'v8', complexity });
}, EXPORT_MS);

afterAll(() => engine?.close());

test('every assertion that JavaScript can carry holds', { timeout: EXPORT_MS }, () => {
  const totals = { core: emptyTally(), simd: emptyTally() };
  const problems: string[] = [];
  for (const script of readScripts()) {
    const tally = runScript(script);
    for (const count of ['passed', 'excluded', 'uncarried'] as const) totals[script.group][count] += tally[count];
    problems.push(...tally.problems.map((problem) => `${script.name}:${problem}`));
  }
  for (const [group, { passed, excluded, uncarried }] of Object.entries(totals)) {
    console.log(`v8 ${group}: ${passed} passed, ${excluded} excluded, ${uncarried} not carried by JavaScript`);
  }
  expect(problems).toEqual([]);
  expect(totals.core.passed).toBeGreaterThan(20_000);
});

function runScript(script: Script): Tally {
  const rows = readExclusions().filter((row) => row.file === script.name);
  const stage = new Stage(engine, script);
  const tally = emptyTally();
  for (const command of script.commands) judge(tally, command, stage.apply(command), rows);
  return tally;
}
