// docs/raspberry-pi.md: the files it tells to save are saved, assembled and started as it says, and answer as it says.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = join(__dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'raspberry-pi.md'), 'utf8');
// Below the checkout, so that the packages are found as if they were installed there.
const folder = join(root, '.setup', 'raspberry-pi');

function block(language: string): string {
  return page.match(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms'))![1]!;
}

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'guest.wat'), block('wat'));
writeFileSync(join(folder, 'server.mjs'), block('mjs'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the guest, the server and its answers', async () => {
  const assembler = join(root, 'node_modules', 'wabt', 'bin', 'wat2wasm');
  execFileSync(process.execPath, [assembler, 'guest.wat', '-o', 'guest.wasm'], { cwd: folder });
  const server = spawn(process.execPath, ['server.mjs'], { cwd: folder, env: { ...process.env, PORT: '0' } });
  const ended = new Promise((resolve) => server.once('exit', (status, signal) => resolve({ status, signal })));
  try {
    const address = await new Promise<string>((resolve) =>
      server.stdout.once('data', (text) => resolve(`${text}`.trim())),
    );
    const answer = await fetch(`${address}/sum/1000`);
    expect(await answer.json()).toEqual({ sum: '500500', fuel: '10001', backend: 'wasmer' });
    const stopped = await fetch(`${address}/sum/1000000000`);
    expect([stopped.status, await stopped.json()]).toMatchObject([503, { code: 'ERR_FUEL_EXHAUSTED' }]);
  } finally {
    server.kill('SIGTERM');
  }
  expect(await ended).toEqual({ status: 0, signal: null });
});
