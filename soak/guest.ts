// The guest of all parts, guests/wat/soak.wat, and where it and the programs are.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstanceOptions } from 'aingle-wasm';

export const GUEST_FILE = join(__dirname, '..', 'guests', 'build', 'wat', 'soak.wasm');

export const guestBytes = (): Uint8Array => readFileSync(GUEST_FILE);

/** A program that a part starts in a process or thread of its own. */
export const programFile = (name: string): string => join(__dirname, 'programs', `${name}.mjs`);

/** Host functions that answer at once. */
export const PLAIN: InstanceOptions = {
  imports: { env: { ask: (value: number) => value + 1 } },
  host: { serve: ({ bytes }) => bytes },
};

/** What a call came to: `returned`, or its code. */
export function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'returned',
    (error) => `${error.code ?? error}`,
  );
}
