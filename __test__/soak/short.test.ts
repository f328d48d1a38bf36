// The soak in its short form: the same scenarios as `npm run soak`, with fewer rounds and bounds ten times looser.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { BACKENDS } from '../conformance/support/backends';

const root = fileURLToPath(new URL('../../', import.meta.url));
const PARTS = ['calls', 'endless', 'cancels', 'workers', 'exits', 'model'];

function soak(...options: string[]): Promise<{ status: number | null; output: string }> {
  const args = ['--expose-gc', '--import', 'tsx', 'soak/main.ts', '--short', ...options];
  const child = spawn(process.execPath, args, { cwd: root });
  let output = '';
  const note = (text: string) => {
    output += text;
  };
  child.stdout.setEncoding('utf8').on('data', note);
  child.stderr.setEncoding('utf8').on('data', note);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

describe.each(BACKENDS)('the soak on %s', (backend) => {
  // One moment in which the machine was busy with something else is not three.
  test.each(PARTS)('%s', { retry: 2, timeout: 300_000 }, async (part) => {
    const { status, output } = await soak(`--only=${part}`, `--backend=${backend}`);
    expect(output).toMatch(new RegExp(`^${part} on ${backend}: .*: PASS\n$`));
    expect(status).toBe(0);
  });
});

test('a part that is not there is refused', async () => {
  const { status, output } = await soak('--only=nothing');
  expect(output).toContain(`--only must be one of ${PARTS.join(', ')}, not nothing`);
  expect(status).toBe(1);
});
