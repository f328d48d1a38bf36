#!/usr/bin/env node
// Cargo runs this in place of rustc where an addon is built for publishing. wasmer asks for Cranelift's code generators of all processors, and
// features cannot be taken away in a manifest; an addon makes code for the processor it runs on, and each of the others is half a megabyte.
import { spawnSync } from 'node:child_process';
import { argv, exit } from 'node:process';

/** The features of `cranelift-codegen` by the processor, the first part of a target's triple, that they make code for. */
const GENERATORS = { x86: 'x86_64', arm64: 'aarch64', riscv64: 'riscv64' };

const [rustc, ...args] = argv.slice(2);
const { status, error } = spawnSync(rustc, withoutOthers(args), { stdio: 'inherit' });
if (error !== undefined) throw error;
exit(status ?? 1);

/** Without the pairs `--cfg feature="…"` of generators for other processors than the one that is compiled for. */
function withoutOthers(args) {
  if (after(args, '--crate-name') !== 'cranelift_codegen') return args;
  const processor = after(args, '--target')?.split('-')[0];
  const others = Object.entries(GENERATORS)
    .filter(([, own]) => own !== processor)
    .map(([feature]) => `feature="${feature}"`);
  const unwanted = args.map((value, at) => args[at - 1] === '--cfg' && others.includes(value));
  return args.filter((_, at) => !unwanted[at] && !unwanted[at + 1]);
}

function after(args, name) {
  const at = args.indexOf(name);
  return at === -1 ? undefined : args[at + 1];
}
