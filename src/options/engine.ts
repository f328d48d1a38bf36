// The options of `new Engine`: names, ranges and defaults, in one table.
import { availableParallelism } from 'node:os';
import type { ResolvedEngineOptions } from '../backend/backend';
import type { EngineOptions } from '../types';
import { costs } from './costs';
import { autoOr, checkInteger, choice, flag, fuelLimit, group, integer, optional, readTable } from './table';
import { MAX_TIMEOUT_MS, timeout } from './time';

export const PAGE_BYTES = 65_536;
const MIB = 1024 * 1024;
const U32_MAX = 2 ** 32 - 1;

/** Results mark errors in bit 63, so a pointer has 31 bits. */
const MAX_MEMORY_BYTES = 2 ** 31 - PAGE_BYTES;
const WIDE_ADDRESSES = !['arm', 'ia32', 'mips', 'mipsel', 'ppc', 's390'].includes(process.arch);

/** Ranges of the limits that an instance may lower; shared by both tables. */
export const LIMIT_RANGES = {
  memoryBytes: { min: 0, max: MAX_MEMORY_BYTES, step: PAGE_BYTES },
  tableElements: { min: 0, max: 10_000_000, step: 1 },
  callDepth: { min: 1, max: 20_000, step: 1 },
  outputBytes: { min: 0, max: U32_MAX, step: 1 },
  hostCalls: { min: 0, max: Number.MAX_SAFE_INTEGER, step: 1 },
} as const;

function limit(name: keyof typeof LIMIT_RANGES, absent: number) {
  const { min, max, step } = LIMIT_RANGES[name];
  return integer(min, max, absent, step);
}

const LIMITS = {
  memoryBytes: limit('memoryBytes', (WIDE_ADDRESSES ? 256 : 64) * MIB),
  tableElements: limit('tableElements', 1_000_000),
  callDepth: limit('callDepth', 3_000),
  outputBytes: limit('outputBytes', 64 * MIB),
  hostCalls: optional((option, value) => checkInteger(option, value, 0, LIMIT_RANGES.hostCalls.max)),
  instances: integer(1, U32_MAX, 100_000),
  compileMs: integer(1, MAX_TIMEOUT_MS, 60_000),
};

function cap(absent: number) {
  return integer(0, U32_MAX, absent);
}

/** Equal to the defaults of `ComplexityCaps` in crates/prepare; a test compares them. */
export const COMPLEXITY = {
  moduleBytes: cap(64 * MIB),
  functions: cap(200_000),
  bodyBytes: cap(MIB),
  locals: cap(20_000),
  params: cap(256),
  results: cap(256),
  nesting: cap(10_000),
  branchTargets: cap(4_096),
  types: cap(50_000),
  imports: cap(10_000),
  exports: cap(50_000),
  globals: cap(50_000),
  elements: cap(10_000),
  dataSegments: cap(50_000),
  segmentBytes: cap(64 * MIB),
  nameBytes: cap(10_000),
};

export const ENGINE_OPTIONS = {
  backend: choice(['auto', 'wasmer', 'wasmi', 'v8'], 'auto'),
  meteringLimit: fuelLimit(100_000_000_000n),
  canonicalizeNans: flag(true),
  costs,
  cacheSize: integer(0, Number.MAX_SAFE_INTEGER, 256 * MIB),
  staticMemoryBound: autoOr(integer(0, 65_536, 0)),
  limits: group(LIMITS),
  complexity: group(COMPLEXITY),
  timeoutMs: timeout(30_000),
  threads: integer(1, 1_024, availableParallelism),
  queue: integer(0, U32_MAX, 10_000),
};

/**
 * Checks the options of an engine, all at once, and fills in the defaults.
 *
 * @throws TypeErrors and RangeErrors that name the option, what was given and what is allowed
 */
export function readEngineOptions(given: EngineOptions | undefined): ResolvedEngineOptions {
  return readTable('', given, ENGINE_OPTIONS);
}
