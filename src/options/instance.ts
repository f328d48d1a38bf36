// The options of `module.instantiate` and of calls.
import type {
  ResolvedCallOptions,
  ResolvedCompileOptions,
  ResolvedEngineOptions,
  ResolvedLimits,
} from '../backend/backend';
import { invalidType, invalidValue, outOfRange } from '../errors/error';
import type { InstanceOptions, SliceHandler } from '../types';
import { LIMIT_RANGES } from './engine';
import { readFuel } from './fuel';
import { anything, checkInteger, choice, flag, optional, type Row, readTable } from './table';
import { optionalTimeout, signal } from './time';

type LimitName = keyof typeof LIMIT_RANGES;

function lowered(name: LimitName): Row<number | undefined> {
  const { min, max, step } = LIMIT_RANGES[name];
  return optional((option, value) => checkInteger(option, value, min, max, step));
}

const LIMITS = {
  memoryBytes: lowered('memoryBytes'),
  tableElements: lowered('tableElements'),
  callDepth: lowered('callDepth'),
  outputBytes: lowered('outputBytes'),
  hostCalls: lowered('hostCalls'),
};

const INSTANCE_OPTIONS = {
  imports: anything,
  host: anything,
  abi: choice(['auto', 'envelope', 'bytes'], 'auto'),
  afterTrap: choice(['poison', 'keep'], 'poison'),
  worker: choice(['own', 'shared'], 'own'),
  limits: optional((option, value) => readTable(option, value, LIMITS)),
  fuel: optional(readFuel),
  timeoutMs: optionalTimeout,
  signal,
  data: anything,
};

const CALL_OPTIONS = {
  fuel: optional(readFuel),
  timeoutMs: optionalTimeout,
  signal,
  data: anything,
  sliceFuel: optional(readFuel),
  onSlice: optional((option, value) => {
    if (typeof value !== 'function') throw invalidType(option, 'a function', value);
    return value as SliceHandler;
  }),
};

const COMPILE_OPTIONS = { sliceable: flag(false) };

const MEASURE_OPTIONS = {
  instance: anything,
  fuel: optional(readFuel),
};

/** What most instances have, read once for all of them. */
const NO_INSTANCE_OPTIONS = readTable('', undefined, INSTANCE_OPTIONS);

/** Options of an instance with the engine's values for what is absent. `imports` and `host` are as given; linking reads them. */
export function readInstanceOptions(given: unknown, engine: ResolvedEngineOptions) {
  const asked = given === undefined ? NO_INSTANCE_OPTIONS : readTable('', given, INSTANCE_OPTIONS);
  const { imports, host, abi, afterTrap, worker, limits, fuel, timeoutMs, signal, data } = asked;
  return {
    imports,
    host,
    abi,
    afterTrap,
    worker,
    signal,
    data,
    limits: limits === undefined ? engine.limits : lowerLimits(engine.limits, limits),
    fuel: fuel ?? engine.meteringLimit,
    timeoutMs: timeoutMs === undefined ? engine.timeoutMs : timeoutMs,
    timeoutAsked: typeof timeoutMs === 'number',
  };
}

/** The options of a call, with `defaults` for what is absent. */
export function readCallOptions(given: unknown, defaults: ResolvedCallOptions): ResolvedCallOptions {
  const { fuel, timeoutMs, signal, data, sliceFuel, onSlice } = readTable('', given, CALL_OPTIONS);
  if ((sliceFuel === undefined) !== (onSlice === undefined))
    throw invalidValue('sliceFuel', 'sliceFuel and onSlice are given together', sliceFuel);
  return {
    fuel: fuel ?? defaults.fuel,
    timeoutMs: timeoutMs === undefined ? defaults.timeoutMs : timeoutMs,
    timeoutAsked: typeof timeoutMs === 'number',
    signal,
    data: data ?? defaults.data,
    slices: sliceFuel === undefined || onSlice === undefined ? undefined : { fuel: sliceFuel, decide: onSlice },
  };
}

export function readCompileOptions(given: unknown): ResolvedCompileOptions {
  return readTable('', given, COMPILE_OPTIONS);
}

/** `instance` is as given; instantiation reads it. */
export function readMeasureOptions(given: unknown) {
  const { instance, fuel } = readTable('', given, MEASURE_OPTIONS);
  return { instance: instance as InstanceOptions | undefined, fuel };
}

function lowerLimits(engine: ResolvedLimits, asked: { readonly [K in LimitName]: number | undefined }): ResolvedLimits {
  return {
    memoryBytes: atMost('memoryBytes', asked.memoryBytes, engine.memoryBytes),
    tableElements: atMost('tableElements', asked.tableElements, engine.tableElements),
    callDepth: atMost('callDepth', asked.callDepth, engine.callDepth),
    outputBytes: atMost('outputBytes', asked.outputBytes, engine.outputBytes),
    hostCalls: atMost('hostCalls', asked.hostCalls, engine.hostCalls),
  };
}

function atMost<E extends number | undefined>(name: LimitName, asked: number | undefined, engine: E): number | E {
  if (asked === undefined || engine === undefined) return asked ?? engine;
  if (asked > engine)
    throw outOfRange(`limits.${name}`, `at most the engine's, ${engine.toLocaleString('en-US')}`, asked);
  return asked;
}
