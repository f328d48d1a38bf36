// Writes what the labs of the conformance suite noted to the file that AINGLE_WASM_TEST_RECORDS names, so that two machines can be
// compared: results, codes, messages and fuel of every test.
import { writeFileSync } from 'node:fs';
import { LABS } from '../conformance/support/lab';

const file = process.env.AINGLE_WASM_TEST_RECORDS;
if (file !== undefined) process.on('exit', () => writeFileSync(file, JSON.stringify(collect(), plain)));

/** Notes by suite, test and backend. */
function collect(): Record<string, Record<string, Record<string, unknown[]>>> {
  const suites = [...LABS].map(([title, labs]) => {
    const tests: Record<string, Record<string, unknown[]>> = {};
    for (const lab of labs) {
      for (const [name, notes] of lab.records) tests[name] = { ...tests[name], [lab.backend]: notes };
    }
    return [title, tests] as const;
  });
  return Object.fromEntries(suites);
}

/** JSON has no bigints, bytes or NaN, which notes are made of. */
function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (Object.is(value, -0)) return '-0';
  return ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')
    : value;
}
