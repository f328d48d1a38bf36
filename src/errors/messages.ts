// The one place where messages are written: from a code and its details, for every backend. A message says what was found, what was
// allowed and what to do. Rust users get the core's own `Display`.
import { type ErrorCode, isStop } from './codes';
import { describe, quoteAll, safeText } from './text';

/** The numbers and names behind an error; docs/errors.md lists the keys of each code. */
export type Details = Readonly<Record<string, unknown>>;

/** An import that is missing or has another type, as `details.imports` lists it. */
export interface ImportProblem {
  readonly module: string;
  readonly name: string;
  /** What the module asks for, such as `(i32, i32) -> (i32)` or `a memory`. */
  readonly expected: string;
  /** What was given; absent when nothing was. */
  readonly actual?: string;
  /** Names that were given and look alike. */
  readonly near: readonly string[];
}

const TRAPS: Readonly<Record<string, string>> = {
  unreachable: 'it executed "unreachable"',
  memory_out_of_bounds: 'it accessed memory outside its bounds',
  table_out_of_bounds: 'it accessed a table outside its bounds',
  integer_divide_by_zero: 'it divided an integer by zero',
  integer_overflow: 'an integer division overflowed',
  float_to_integer: 'it converted a float that has no integer counterpart',
  indirect_call_mismatch: 'it called a table element that is null or has another type',
};

const MESSAGES: Readonly<Record<ErrorCode, (details: Details) => string>> = {
  ERR_INVALID_ARG_TYPE: (d) => `${text(d.option)} must be ${text(d.allowed)}; received ${describe(d.value)}.`,
  ERR_INVALID_ARG_VALUE: (d) =>
    sentence(`${text(d.option)} is invalid: received ${describe(d.value)}; ${text(d.allowed)}`),
  ERR_OUT_OF_RANGE: (d) =>
    `${text(d.option)} is out of range: received ${describe(d.value)}; allowed is ${text(d.allowed)}.`,

  ERR_ENGINE_UNAVAILABLE: (d) =>
    d.feature === undefined
      ? engineUnavailable(d)
      : `The backend "${text(d.backend)}" has no ${text(d.feature)}. ${text(d.advice)}.`,
  ERR_FEATURE_DISABLED: (d) =>
    `The module needs ${text(d.feature)}, which is not available${at(d)}. Build it for WebAssembly 2.0 without it.`,
  ERR_MODULE_MALFORMED: (d) => `The bytes are not a WebAssembly module: ${reason(d)}${at(d)}.`,
  ERR_MODULE_INVALID: (d) => `The module does not validate: ${reason(d)}${at(d)}.`,
  ERR_MODULE_TOO_COMPLEX: (d) =>
    `The module is too complex: ${text(d.cap)} is ${number(d.value)}, allowed is ${number(d.max)}. Raise the engine's complexity.${text(d.cap)} if you trust it.`,
  ERR_COMPILE_TIMEOUT: () => 'The module took too long to compile (limits.compileMs).',

  ERR_IMPORT_MISSING: (d) => `The module's imports are not all given: ${imports(d.imports)}.`,
  ERR_IMPORT_TYPE: (d) => `Imports have another type than the module wants: ${imports(d.imports)}.`,
  ERR_EXPORT_NOT_FOUND: (d) => exportNotFound(d),

  ERR_TRAP: (d) => `The guest trapped: ${TRAPS[String(d.trap)] ?? text(d.trap)}.`,
  ERR_STACK_OVERFLOW: (d) =>
    d.limit === undefined
      ? 'The guest overflowed the stack. Raise limits.callDepth only if its recursion is meant to be that deep.'
      : `The guest's calls are nested too deeply: allowed are ${number(d.limit)} weighted frames (limits.callDepth).`,
  ERR_FUEL_EXHAUSTED: (d) =>
    `The guest used all of its fuel: ${number(d.limit)} operators. Give the call more ("fuel", "meteringLimit") if the work needs it.`,
  ERR_TIMEOUT: (d) => `The guest was stopped at its deadline, ${number(d.limit)} ms after the call ("timeoutMs").`,
  ERR_ABORTED: () => 'The call was aborted.',

  ERR_MEMORY_LIMIT: (d) =>
    `The memory would have ${number(d.value)} bytes, allowed are ${number(d.limit)} (limits.memoryBytes, or the module's own maximum).`,
  ERR_TABLE_LIMIT: (d) =>
    `The tables would have ${number(d.value)} elements, allowed are ${number(d.limit)} (limits.tableElements, or the table's own maximum).`,
  ERR_OUT_OF_MEMORY: (d) => outOfMemory(d),
  ERR_OUTPUT_LIMIT: (d) =>
    `The guest returned ${number(d.value)} bytes, allowed are ${number(d.limit)} (limits.outputBytes).`,
  ERR_CALL_DEPTH: (d) => `Guest and host call each other too deeply: allowed are ${number(d.limit)} levels.`,
  ERR_HOST_CALL_LIMIT: (d) =>
    `The guest called host functions too often: allowed are ${number(d.limit)} calls (limits.hostCalls).`,

  ERR_GUEST: (d) => guest(d),
  ERR_GUEST_POINTER: (d) => guestPointer(d),
  ERR_HOST_FUNCTION: (d) => `The host function ${functionName(d)} failed; the cause is what it threw.`,
  ERR_HOST_TIMEOUT: (d) => `The host function ${functionName(d)} passed its deadline.`,
  ERR_ASYNC_HOST_IN_SYNC: (d) =>
    `The host function ${functionName(d)} returned a promise, and nothing can wait for it here. Return the value itself.`,

  ERR_INSTANCE_BUSY: () =>
    'The instance is running another call. Wait for that call, use "call", which waits for its turn, or take another instance.',
  ERR_INSTANCE_CLOSED: () => 'The instance is closed. Take a new one.',
  ERR_INSTANCE_POISONED: (d) =>
    `The instance is unusable since a call ended with ${text(d.reason)}. Take a new one${isStop(String(d.reason)) ? '' : ', or instantiate with afterTrap: "keep"'}.`,
  ERR_ENGINE_CLOSED: (d) => `The ${d.closed === 'module' ? 'module' : 'engine'} is closed.`,
  ERR_QUEUE_FULL: (d) =>
    `Too many calls are waiting: allowed are ${number(d.limit)} (option "queue"). Try again later, or make fewer calls at once.`,

  ERR_ENVELOPE_MAGIC: (d) =>
    d.actual === 0x4941
      ? 'The bytes are an envelope with swapped bytes: the magic number must be written in little-endian order.'
      : `The bytes are not an envelope: they begin with ${hex(d.actual, 4)}, expected ${hex(d.expected, 4)}.`,
  ERR_ENVELOPE_VERSION: (d) => `The envelope has version ${number(d.actual)}, expected ${number(d.expected)}.`,
  ERR_ENVELOPE_FLAGS: (d) => `The envelope has unknown flags: ${hex(d.actual, 2)}, known are ${hex(d.expected, 2)}.`,
  ERR_ENVELOPE_LENGTH: (d) => `The envelope has ${number(d.actual)} bytes, expected ${number(d.expected)}.`,
  ERR_ENVELOPE_CHECKSUM: (d) =>
    `The envelope's payload is damaged: its checksum is ${hex(d.actual, 8)}, expected ${hex(d.expected, 8)}.`,
  ERR_ENVELOPE_COMPRESSION: () =>
    'The envelope is marked as compressed, and its payload is not an LZ4 block with its size before it.',
  ERR_ENVELOPE_ENCRYPTION: () => 'The envelope is encrypted, and there is no cipher for it or the cipher refused it.',
  ERR_ENVELOPE_LIMIT: (d) => `The envelope's payload is ${number(d.actual)} bytes, allowed are ${number(d.expected)}.`,

  ERR_ARTIFACT_REJECTED: (d) => `The compiled artifact cannot be used: ${reason(d)}.`,
  ERR_WASI_EXIT: (d) => `The guest exited with status ${number(d.exitCode)}.`,
  ERR_INTERNAL: (d) => `A fault of aingle-wasm itself: ${reason(d)}. Please report it.`,
};

/** The text for a code and its details. Foreign text in it is escaped and cut. */
export function message(code: ErrorCode, details: Details): string {
  return MESSAGES[code](details);
}

/** With its full stop, unless it ends as a question: "did you mean …?". */
function sentence(words: string): string {
  return words.endsWith('?') ? words : `${words}.`;
}

function text(value: unknown): string {
  return safeText(String(value));
}

/** Integers with commas between thousands, the same in every locale. */
function number(value: unknown): string {
  return text(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function hex(value: unknown, digits: number): string {
  return `0x${Number(value).toString(16).padStart(digits, '0')}`;
}

function reason(details: Details): string {
  return text(details.reason ?? 'no reason given');
}

function at(details: Details): string {
  return details.offset === undefined ? '' : ` (at offset ${number(details.offset)})`;
}

function functionName(details: Details): string {
  return details.module === undefined ? `"${text(details.name)}"` : `"${text(details.module)}.${text(details.name)}"`;
}

function engineUnavailable({ backend, attempts: tried }: Details): string {
  if (backend === 'auto') return `No backend can run here${attempts(tried)}.`;
  const others = backend === 'v8' ? '"auto"' : '"auto" or "v8"';
  return `The backend "${text(backend)}" cannot run here${attempts(tried)}. Use backend ${others}, or install for this platform.`;
}

function attempts(tried: unknown): string {
  if (!Array.isArray(tried) || tried.length === 0) return '';
  return ` (${tried.map((attempt) => `${text(attempt.source)}: ${text(attempt.reason)}`).join('; ')})`;
}

function imports(problems: unknown): string {
  return (problems as readonly ImportProblem[]).map(importProblem).join('; ');
}

function importProblem({ module, name, expected, actual, near }: ImportProblem): string {
  const label = `"${safeText(module)}.${safeText(name)}" ${expected}`;
  if (actual !== undefined) return `${label}, given is ${safeText(actual)}`;
  return near.length === 0 ? `${label} is missing` : `${label} is missing, did you mean ${quoteAll(near)}?`;
}

function exportNotFound(details: Details): string {
  const near = (details.near ?? []) as readonly string[];
  const found = `The module exports no function "${text(details.name)}"${details.expected === undefined ? '' : ` of type ${text(details.expected)}`}`;
  return near.length === 0 ? `${found}.` : `${found}. Did you mean ${quoteAll(near)}?`;
}

function outOfMemory(details: Details): string {
  return details.resource === 'instances'
    ? `The engine has ${number(details.limit)} live instances, which are all that limits.instances allows. Close some.`
    : 'The machine could not serve a growth of memory that the limits allow. Free memory, or lower limits.memoryBytes.';
}

function guest({ message: found, file, line }: Details): string {
  const place = file === undefined || file === '' ? '' : ` (${text(file)}:${text(line)})`;
  return found === undefined || found === ''
    ? `The guest returned an error without a message${place}.`
    : `The guest returned an error: ${text(found)}${place}`;
}

function guestPointer({ ptr, len, memory }: Details): string {
  return ptr === 0
    ? `The guest's allocator had no room for ${number(len)} bytes.`
    : `The guest gave ${number(len)} bytes at ${number(ptr)}, outside its memory of ${number(memory)} bytes.`;
}
