// The examples that run once and end print what they are there to show.
import { beforeAll, describe, expect, test } from 'vitest';
import { output } from './support/example';

describe.each(['wasmer', 'wasmi', 'v8'])('on %s', (backend) => {
  const show = (file: string) => output(file, { AINGLE_WASM_BACKEND: backend });

  test('hello greets and says what it cost', async () => {
    expect(await show('hello.mjs')).toMatch(new RegExp(`^Hello, Ada!\\n\\d+ operators on ${backend}\\n$`));
  });

  test('measure reports figures, and four times the largest stops what is far larger', async () => {
    const [figures, limit, stopped] = (await show('measure.mjs')).split('\n');
    const [, ...values] = /^200 inputs, 0 failed: min (\d+), p50 (\d+), p99 (\d+), max (\d+) operators$/.exec(
      figures!,
    )!;
    expect(values.map(Number)).toEqual(values.map(Number).sort((a, b) => a - b));
    expect(limit).toMatch(new RegExp(`^a limit of ${4 * Number(values[3])}, of which one greeting uses \\d+$`));
    expect(stopped).toBe('40,000 bytes: ERR_FUEL_EXHAUSTED');
  });

  test('host-function serves numbers and bytes', async () => {
    const lines = (await show('host-function.ts')).split('\n');
    expect(lines.slice(0, 2)).toEqual(['20 + 22 = 42, 3 operators', 'with a price of 1,000: 1003 operators']);
    expect(lines[2]).toMatch(/^ADA SAYS GOOD MORNING \(1 host call, \d+ operators\)$/);
  });

  test('time stops guests and lets them wait', async () => {
    expect(await show('time.ts')).toBe(
      [
        'a host function that waits: 42',
        'a deadline: ERR_TIMEOUT, and the event loop went on: true',
        'an abort: ERR_ABORTED, and the event loop went on: true',
        '',
      ].join('\n'),
    );
  });

  test('limits reaches every limit', async () => {
    const lines = (await show('limits.ts')).trimEnd().split('\n');
    expect(lines.map((line) => line.slice(0, 28).trim())).toEqual([
      'fuel',
      'fuel of one call',
      'callDepth',
      'memoryBytes',
      'memoryBytes of one instance',
      'outputBytes',
      'hostCalls',
    ]);
    expect(lines.map((line) => line.slice(28).trim().split(' ')[0])).toEqual([
      'ERR_FUEL_EXHAUSTED',
      'ERR_FUEL_EXHAUSTED',
      'ERR_STACK_OVERFLOW',
      'returned:',
      'returned:',
      'ERR_OUTPUT_LIMIT',
      'ERR_HOST_CALL_LIMIT',
    ]);
    expect(lines[3]).toContain('128 pages');
    expect(lines[4]).toContain('32 pages');
  });

  test('errors tells codes and what they leave behind', async () => {
    const lines = (await show('errors.ts')).split('\n').filter((line) => !line.startsWith(' ') && line !== '');
    expect(lines).toEqual([
      'error_text: ERR_GUEST in phase call, not retryable, instance idle',
      'error_structured: ERR_GUEST in phase call, not retryable, instance idle',
      'no_such_function: ERR_EXPORT_NOT_FOUND in phase call, not retryable, instance idle',
      'panic: ERR_GUEST in phase call, not retryable, instance poisoned',
      'error_text: ERR_INSTANCE_POISONED in phase call, not retryable, instance poisoned',
      'loop_forever: ERR_FUEL_EXHAUSTED in phase call, not retryable, instance poisoned',
    ]);
  });
});

describe('the demo', () => {
  let text: string;

  beforeAll(async () => {
    text = await output('summary.ts');
  });

  test('shows both backends with equal results', () => {
    expect(text).not.toContain('DIFFERENT');
    expect(text).toMatch(/wasmer 6\.1\.\d+ +v8 /);
    expect(text).toMatch(/fuel used, in operators +([\d,]+) +\1 +equal/);
    expect(text).toContain('9,988 readings of 20 sensors, 12 lines rejected');
  });

  test('stops the guest that never ends and caps the one that takes memory', () => {
    expect(text).toMatch(/never ends .* ERR_FUEL_EXHAUSTED +equal/);
    expect(text).toMatch(/takes memory .* 16\.0 MiB +ERR_TRAP +equal/);
  });

  test('runs a program from npm whose output node:zlib can read', () => {
    expect(text.match(/node:zlib restores the file/g)).toHaveLength(2);
  });

  test('fits a screen', () => {
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(40);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(130);
  });
});
