// What somebody sees whose machine lacks something: two lines that say what and where to get it.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { ask, run } from '../../scripts/process.mjs';

const setup = fileURLToPath(new URL('../../scripts/setup.mjs', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'aingle-wasm-home-'));

afterAll(() => rmSync(home, { recursive: true }));

/** Runs the set-up where the only programs are those in an own folder. */
function setUp() {
  return spawnSync(process.execPath, [setup], { env: { PATH: home, HOME: home }, encoding: 'utf8' });
}

function program(name: string, output: string): void {
  writeFileSync(join(home, name), `#!/bin/sh\necho '${output}'\n`);
  chmodSync(join(home, name), 0o755);
}

test('without Rust', () => {
  const { status, stdout, stderr } = setUp();
  expect(status).toBe(1);
  expect(stdout).toMatch(/^✓ Node: \d+\.\d+\.\d+ \(\d+\.\d s\)\n$/);
  expect(stderr.trimEnd().split('\n')).toHaveLength(2);
  expect(stderr).toContain('1.88');
  expect(stderr).toContain('https://rustup.rs');
});

test.each(['1.87.0', '1.9.0', '0.99.1'])('with Rust %s', (version) => {
  program('cargo', `cargo ${version} (0000000 2024-01-01)`);
  program('rustc', `rustc ${version} (0000000 2024-01-01)`);
  const { status, stderr } = setUp();
  expect(status).toBe(1);
  expect(stderr.trimEnd().split('\n')).toHaveLength(2);
  expect(stderr).toContain(version);
  expect(stderr).toContain('rustup update');
});

test('a program’s failure carries what it said', async () => {
  await expect(run(process.execPath, ['-e', 'console.error("why"); process.exit(3)'])).rejects.toThrow(
    /status 3:\nwhy/,
  );
  await expect(run(process.execPath, ['-e', 'process.kill(process.pid, "SIGKILL")'])).rejects.toThrow(/SIGKILL/);
  await expect(run('no-such-program', [])).rejects.toThrow(/ENOENT/);
  expect(await run(process.execPath, ['-e', 'console.log("fine")'])).toBe('fine\n');
  expect(await ask('no-such-program', [])).toBe(undefined);
  expect(await ask(process.execPath, ['-p', '1+1'])).toBe('2');
});
