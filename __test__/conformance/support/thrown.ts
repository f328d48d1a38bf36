// Everything that JavaScript can throw, more or less; each made anew, since tests compare by identity.
import { runInNewContext } from 'node:vm';
import { Engine } from 'aingle-wasm';

function refuse(): never {
  throw new Error('no');
}

/** An error of which reading any of these properties throws. */
function untouchable(...names: string[]): Error {
  const error = new Error('x');
  for (const name of names) Object.defineProperty(error, name, { get: refuse });
  return error;
}

function ours(): unknown {
  try {
    return new Engine({ threads: -1 });
  } catch (error) {
    return error;
  }
}

function circular(): object {
  const object: Record<string, unknown> = {};
  object.self = object;
  return object;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const TRAPS = Object.getOwnPropertyNames(Reflect).filter(
  (name) => typeof Reflect[name as keyof typeof Reflect] === 'function',
);

export const THROWN: readonly (readonly [string, () => unknown])[] = [
  ['an Error', () => new Error('boom')],
  ['a TypeError', () => new TypeError('wrong')],
  ['a RangeError of a stack overflow', () => new RangeError('Maximum call stack size exceeded')],
  ['an error with a code of ours', () => Object.assign(new Error('x'), { code: 'ERR_FUEL_EXHAUSTED' })],
  ['an error of ours', ours],
  ['an object that looks like a failure of the addon', () => ({ code: 'ERR_TRAP', phase: 'call', details: {} })],
  ['a subclass', () => new (class Own extends Error {})('own')],
  ['an AggregateError', () => new AggregateError([new Error('a')], 'many')],
  ['a DOMException', () => new DOMException('gone', 'AbortError')],
  ['an error of another realm', () => runInNewContext('new Error("elsewhere")')],
  ['a WebAssembly.RuntimeError', () => new WebAssembly.RuntimeError('unreachable')],
  ['an error whose properties throw', () => untouchable('stack', 'message', 'code', 'name')],
  ['a string', () => 'text'],
  ['an empty string', () => ''],
  ['a very long string', () => 'long'.repeat(1_000_000)],
  ['a number', () => 42],
  ['NaN', () => Number.NaN],
  ['zero', () => 0],
  ['a bigint', () => 42n],
  ['true', () => true],
  ['false', () => false],
  ['null', () => null],
  ['undefined', () => undefined],
  ['a symbol', () => Symbol('s')],
  ['a function', () => () => {}],
  ['a class', () => class Own {}],
  ['an object', () => ({ a: 1 })],
  ['a frozen object', () => Object.freeze({ code: 1 })],
  ['a circular object', circular],
  ['an object without prototype', () => Object.create(null)],
  ['an array', () => [1, 2]],
  ['a promise', () => Promise.resolve(1)],
  // biome-ignore lint/suspicious/noThenProperty: a thing that is awaited by mistake throws
  ['a thenable that throws', () => ({ then: refuse })],
  ['a proxy that refuses everything', () => new Proxy({}, Object.fromEntries(TRAPS.map((name) => [name, refuse])))],
  ['a revoked proxy', revoked],
];
