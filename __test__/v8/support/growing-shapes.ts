// Modules that are large in one respect each: everything that a module controls and `prepare` could take too long for.
import {
  assemble,
  type Bytes,
  concatenated,
  leb,
  listed,
  name,
  type Parts,
  repeated,
  signed,
  sized,
} from './wasm-bytes';

const [I32, I64, F32, F64, V128, FUNCREF] = [0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70];
const [BLOCK, LOOP, IF, ELSE, END, BR, BR_IF, BR_TABLE, RETURN] = [2, 3, 4, 5, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f];
const [CALL, CALL_INDIRECT, DROP, SELECT] = [0x10, 0x11, 0x1a, 0x1b];
const [GET, SET, TEE, GET_GLOBAL] = [0x20, 0x21, 0x22, 0x23];
const [CONST, CONST_64, SUB, ADD_F64, EMPTY] = [0x41, 0x42, 0x6b, 0xa0, 0x40];
const NOTHING: Bytes = [0x60, 0, 0];
const MEMORY = { memories: [[0, 1]] };
const NO_LOCALS: Bytes = [0];

const type = (params: Bytes, results: Bytes): Bytes => [0x60, ...sized(params), ...sized(results)];
/** Types of values that stand for this number and no other. */
const numbersOf = (number: number): Bytes =>
  [...number.toString(4)].map((digit) => [I32, I64, F32, F64][Number(digit)]!);
const typeOf = (number: number): Bytes => type(numbersOf(number), []);
/** Constants by their type. */
const ZEROS: Readonly<Record<number, Bytes>> = {
  [I32]: [CONST, 0],
  [I64]: [CONST_64, 0],
  [F32]: [0x43, ...Array(4).fill(0)],
  [F64]: [0x44, ...Array(8).fill(0)],
};

/** A module of one function `() -> ()`. */
const one = (body: Bytes, locals: Bytes = NO_LOCALS, rest: Parts = {}): Uint8Array =>
  assemble({ types: [NOTHING], functions: [0], code: [concatenated([locals, body])], ...rest });

/** A module of functions `() -> ()` with these bodies. */
const many = (bodies: readonly Bytes[], rest: Parts = {}): Uint8Array =>
  assemble({
    types: [NOTHING],
    functions: bodies.map(() => 0),
    code: bodies.map((body) => concatenated([NO_LOCALS, body])),
    ...rest,
  });

/** A body between `count` openings and as many ends. */
const nested = (count: number, opening: Bytes, inner: Bytes = []): Bytes =>
  concatenated([repeated(count, () => opening), inner, repeated(count, () => [END])]);

const calls = (callee: number): Bytes => [CALL, ...leb(callee)];
const table = (size: number): Bytes => [FUNCREF, 0, ...leb(size)];
const elements = (functions: Bytes[]): Bytes => concatenated([[0, CONST, 0, END], leb(functions.length), ...functions]);
const group = (count: number, ty: number): Bytes => [1, ...leb(count), ty];
/** `local = local + local` of floats, which may be a NaN. */
const added = (local: number): Bytes => [GET, ...leb(local), GET, ...leb(local), ADD_F64, SET, ...leb(local)];
/** Writes a local to memory, where its bits can be seen. */
const stored = (local: number): Bytes => [CONST, 0, GET, ...leb(local), 0x39, 3, 0];
/** Counts local 0 down. */
const counting: Bytes = [GET, 0, CONST, 1, SUB, TEE, 0, BR_IF, 0];

/** A shape by name: makes a module that is about `size` times as large in this respect. */
export const SHAPES: Readonly<Record<string, (size: number) => Uint8Array>> = {
  // Control
  'nested blocks': (size) => one(nested(size, [BLOCK, EMPTY])),
  'nested loops': (size) => one(nested(size, [LOOP, EMPTY])),
  'nested ifs': (size) => one(nested(size, [CONST, 0, IF, EMPTY])),
  'nested ifs with else': (size) =>
    one(concatenated([repeated(size, () => [CONST, 0, IF, EMPTY]), repeated(size, () => [ELSE, END])])),
  'ifs nested in elses': (size) =>
    one(concatenated([repeated(size, () => [CONST, 0, IF, EMPTY, ELSE]), repeated(size, () => [END])])),
  'nested blocks, each left by a branch': (size) => one(nested(size, [BLOCK, EMPTY, CONST, 0, BR_IF, 0])),
  'blocks left for the function from the inside out': (size) =>
    one(
      concatenated([
        repeated(size, () => [BLOCK, EMPTY]),
        repeated(size, (at) => [CONST, 0, BR_IF, ...leb(size - at), END]),
      ]),
    ),
  'loops in a row': (size) => one(repeated(size, () => [LOOP, EMPTY, CONST, 0, BR_IF, 0, END])),
  'small loops with locals': (size) =>
    one(
      repeated(size, () => [LOOP, EMPTY, ...counting, END]),
      group(1, I32),
    ),
  'small loops nested in pairs': (size) =>
    one(
      repeated(size, () => [LOOP, EMPTY, LOOP, EMPTY, ...counting, END, ...counting, END]),
      group(1, I32),
    ),
  'loops of middle size': (size) =>
    one(
      repeated(size, () => [LOOP, EMPTY, ...Array(150).fill(1), ...counting, END]),
      group(1, I32),
    ),
  'ifs in a small loop': (size) =>
    one(
      repeated(size, () => [LOOP, EMPTY, ...nested(20, [GET, 0, IF, EMPTY]), ...counting, END]),
      group(1, I32),
    ),
  'branches from one block': (size) => one([BLOCK, EMPTY, ...repeated(size, () => [CONST, 0, BR_IF, 0]), END]),
  'branches from the function': (size) => one(repeated(size, () => [CONST, 0, BR_IF, 0])),
  'a branch table with many targets': (size) => one([CONST, 0, BR_TABLE, ...leb(size), ...Array(size + 1).fill(0)]),
  'a branch table to as many blocks': (size) =>
    one(nested(size, [BLOCK, EMPTY], concatenated([[CONST, 0, BR_TABLE], leb(size), ...listed(size + 1, leb)]))),
  'branch tables': (size) => one([BLOCK, EMPTY, ...repeated(size, () => [CONST, 0, BR_TABLE, 3, 0, 1, 0, 1]), END]),
  returns: (size) => one(repeated(size, () => [CONST, 0, IF, EMPTY, RETURN, END])),
  'returns at depth': (size) =>
    one(
      nested(
        size,
        [BLOCK, EMPTY],
        repeated(size, () => [CONST, 0, IF, EMPTY, RETURN, END]),
      ),
    ),
  'code that cannot be reached': (size) => one([RETURN, ...repeated(size, () => [BLOCK, EMPTY, BR, 0, END])]),
  'ways that end': (size) => one(repeated(size, () => [BLOCK, EMPTY, BR, 0, CONST, 0, DROP, END])),
  'operators without effect': (size) => one(repeated(20 * size, () => [1])),
  'straight code past many checks': (size) => one(repeated(20 * size, () => [CONST, 0, DROP])),
  'blocks of many types': (size) =>
    one(
      repeated(size, (at) => {
        const results = numbersOf(at + 1);
        const values = concatenated(results.map((result) => ZEROS[result]!));
        return [BLOCK, ...signed(at + 1), ...values, END, ...results.map(() => DROP)];
      }),
      NO_LOCALS,
      { types: [NOTHING, ...listed(size, (at) => type([], numbersOf(at + 1)))] },
    ),
  selects: (size) => one(repeated(size, () => [CONST, 0, CONST, 0, CONST, 0, SELECT, DROP])),
  // Locals and NaNs
  'groups of locals': (size) => one([], concatenated([leb(2 * size), ...listed(size, () => [0, I32, 1, I64])])),
  'locals of floats, each with a NaN': (size) => one(repeated(size, added), group(size, F64)),
  'locals of floats, each stored in the end': (size) =>
    one(concatenated([repeated(size, added), repeated(size, stored)]), group(size, F64), MEMORY),
  'locals of floats across as many blocks': (size) =>
    one(
      concatenated([
        repeated(size, (at) => [BLOCK, EMPTY, CONST, 0, BR_IF, 0, ...added(at), END]),
        repeated(size, stored),
      ]),
      group(size, F64),
      MEMORY,
    ),
  'locals of floats across as many loops': (size) =>
    one(
      concatenated([
        repeated(size, (at) => [LOOP, EMPTY, ...added(at), CONST, 0, BR_IF, 0, END]),
        repeated(size, stored),
      ]),
      group(size, F64),
      MEMORY,
    ),
  'locals of floats across nested loops': (size) =>
    one(
      concatenated([
        repeated(size, (at) => [LOOP, EMPTY, ...added(at)]),
        repeated(size, (at) => [...stored(at), CONST, 0, BR_IF, 0, END]),
      ]),
      group(size, F64),
      MEMORY,
    ),
  'locals of floats across nested ifs': (size) =>
    one(
      concatenated([
        repeated(size, (at) => [CONST, 0, IF, EMPTY, ...added(at), ELSE]),
        repeated(size, (at) => [...stored(at), END]),
      ]),
      group(size, F64),
      MEMORY,
    ),
  'one float carried through many loops': (size) =>
    one(
      repeated(size, () => [LOOP, EMPTY, ...added(0), ...stored(0), CONST, 0, BR_IF, 0, END]),
      group(1, F64),
      MEMORY,
    ),
  'floats on the stack': (size) =>
    one(
      concatenated([
        repeated(size, () => [GET, 0]),
        repeated(size - 1, () => [ADD_F64]),
        [SET, 0],
        ...listed(1, stored),
      ]),
      group(1, F64),
      MEMORY,
    ),
  'floats out of many branches': (size) =>
    one(
      concatenated([
        [BLOCK, F64],
        repeated(size, () => [GET, 0, GET, 0, ADD_F64, CONST, 0, BR_IF, 0, DROP]),
        [GET, 0, END, SET, 0],
        stored(0),
      ]),
      group(1, F64),
      MEMORY,
    ),
  'additions of vectors': (size) =>
    one(
      repeated(size, () => [GET, 0, GET, 0, 0xfd, 0xe4, 1, SET, 0]),
      group(1, V128),
    ),
  // Operators with code of their own
  'work in bulk': (size) =>
    one(
      repeated(size, () => [CONST, 0, CONST, 0, CONST, 0, 0xfc, 11, 0]),
      NO_LOCALS,
      MEMORY,
    ),
  growth: (size) =>
    one(
      repeated(size, () => [CONST, 0, 0x40, 0, DROP]),
      NO_LOCALS,
      MEMORY,
    ),
  'trapping conversions': (size) =>
    one(
      repeated(size, () => [GET, 0, 0xaa, DROP]),
      group(1, F64),
    ),
  // Functions and calls
  functions: (size) => many(listed(size, () => [])),
  'functions with a small loop each': (size) => many(listed(size, () => [LOOP, EMPTY, CONST, 0, BR_IF, 0, END])),
  'a chain of calls': (size) => many(listed(size, (at) => (at + 1 < size ? calls(at + 1) : []))),
  'a chain of calls backwards': (size) => many(listed(size, (at) => (at > 0 ? calls(at - 1) : []))),
  'a chain of calls with long tails': (size) =>
    many(listed(size, (at) => [...(at > 0 ? calls(at - 1) : []), ...repeated(50, () => [CONST, 0, DROP])])),
  'a cycle of calls': (size) => many(listed(size, (at) => calls((at + 1) % size))),
  'functions that call themselves': (size) => many(listed(size, calls)),
  'one function that calls all': (size) => many(listed(size, (at) => (at === 0 ? repeated(size, calls) : []))),
  'one function that all call': (size) => many(listed(size, () => calls(0))),
  'one function that all call and that calls all': (size) =>
    many(listed(size, (at) => (at === 0 ? repeated(size, calls) : calls(0)))),
  'a clique of calls': (size) => {
    const side = Math.ceil(Math.sqrt(size));
    return many(listed(side, () => repeated(side, calls)));
  },
  'two layers that call each other': (size) => {
    const side = Math.ceil(Math.sqrt(size));
    return many(listed(2 * side, (at) => repeated(side, (callee) => calls(at < side ? side + callee : callee))));
  },
  'a tree of calls': (size) =>
    many(listed(size, (at) => [1, 2].flatMap((child) => (2 * at + child < size ? calls(2 * at + child) : [])))),
  'one function called again and again': (size) => many([repeated(size, () => calls(1)), []]),
  'indirect calls of one type': (size) =>
    many([repeated(size, () => [CONST, 0, CALL_INDIRECT, 0, 0])], { tables: [table(1)] }),
  'indirect calls of many types': (size) =>
    assemble({
      types: [NOTHING, ...listed(size, (at) => type([], numbersOf(at + 1)))],
      functions: [0],
      tables: [table(1)],
      code: [concatenated([NO_LOCALS, repeated(size, (at) => [CONST, 0, CALL_INDIRECT, ...leb(at + 1), 0, 0])])],
    }),
  'functions in a table that call it': (size) =>
    many(
      listed(size, () => [CONST, 0, CALL_INDIRECT, 0, 0]),
      { tables: [table(size)], elements: [elements(listed(size, leb))] },
    ),
  'functions of many types in a table, each called': (size) =>
    assemble({
      types: listed(size, (at) => typeOf(at + 1)),
      functions: listed(size, (at) => at),
      tables: [table(size)],
      elements: [elements(listed(size, leb))],
      code: listed(size, () => NO_LOCALS),
    }),
  'references in code': (size) =>
    many([repeated(size, (at) => [0xd2, ...leb(at), DROP]), ...listed(size, () => [])], {
      elements: [[3, 0, ...leb(size), ...repeated(size, leb)]],
    }),
  // Sections
  types: (size) => assemble({ types: listed(size, (at) => typeOf(at + 1)) }),
  'functions of as many types': (size) =>
    assemble({
      types: listed(size, (at) => typeOf(at + 1)),
      functions: listed(size, (at) => at),
      code: listed(size, () => NO_LOCALS),
    }),
  'imported functions': (size) =>
    assemble({ types: [NOTHING], imports: listed(size, (at) => [...name('m'), ...name(`f${at}`), 0, 0]) }),
  'imported functions with vectors': (size) =>
    assemble({
      types: [type([V128], [V128])],
      imports: listed(size, (at) => [...name('m'), ...name(`f${at}`), 0, 0]),
    }),
  'imported functions, each in a table': (size) =>
    assemble({
      types: [NOTHING],
      imports: listed(size, (at) => [...name('m'), ...name(`f${at}`), 0, 0]),
      tables: [table(size)],
      elements: [elements(listed(size, leb))],
    }),
  'imported functions, each called': (size) =>
    assemble({
      types: [NOTHING],
      imports: listed(size, (at) => [...name('m'), ...name(`f${at}`), 0, 0]),
      functions: [0],
      code: [concatenated([NO_LOCALS, repeated(size, calls)])],
    }),
  'exported functions': (size) =>
    many(
      listed(size, () => []),
      { exports: listed(size, (at) => [...name(`f${at}`), 0, ...leb(at)]) },
    ),
  'exports of one function': (size) => many([[]], { exports: listed(size, (at) => [...name(`f${at}`), 0, 0]) }),
  'exported functions beside an exported table': (size) =>
    many(
      listed(size, () => []),
      {
        tables: [table(1)],
        exports: [[...name('t'), 1, 0], ...listed(size, (at) => [...name(`f${at}`), 0, ...leb(at)])],
      },
    ),
  'exported functions with vectors': (size) =>
    assemble({
      types: [type([V128], [])],
      functions: listed(size, () => 0),
      exports: listed(size, (at) => [...name(`f${at}`), 0, ...leb(at)]),
      code: listed(size, () => NO_LOCALS),
    }),
  globals: (size) => assemble({ globals: listed(size, () => [I64, 1, CONST_64, 0, END]) }),
  'exported globals': (size) =>
    assemble({
      globals: listed(size, () => [F64, 1, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, END]),
      exports: listed(size, (at) => [...name(`g${at}`), 3, ...leb(at)]),
    }),
  'globals with references': (size) => many([[]], { globals: listed(size, () => [FUNCREF, 0, 0xd2, 0, END]) }),
  'reads of globals': (size) =>
    one(
      repeated(size, (at) => [GET_GLOBAL, ...leb(at), DROP]),
      NO_LOCALS,
      {
        globals: listed(size, () => [I64, 1, CONST_64, 0, END]),
      },
    ),
  'elements of one segment': (size) =>
    many([[]], { tables: [table(size)], elements: [elements(listed(size, () => [0]))] }),
  'segments of elements': (size) => many([[]], { tables: [table(1)], elements: listed(size, () => elements([[0]])) }),
  'segments of expressions': (size) =>
    many([[]], { tables: [table(1)], elements: listed(size, () => [4, CONST, 0, END, 1, 0xd2, 0, END]) }),
  'data of one segment': (size) =>
    assemble({ memories: [[0, 16]], data: [[0, CONST, 0, END, ...sized(Array(20 * size).fill(7))]] }),
  'segments of data': (size) => assemble({ memories: [[0, 1]], data: listed(size, () => [0, CONST, 0, END, 1, 7]) }),
  'custom sections': (size) => assemble({ custom: listed(size, (at) => name(`c${at}`)) }),
  'names of functions': (size) =>
    many(
      listed(size, () => []),
      {
        custom: [
          names(
            1,
            listed(size, (at) => [...leb(at), ...name(`f${at}`)]),
          ),
        ],
      },
    ),
  'names of locals': (size) =>
    one([], group(size, I32), {
      custom: [names(2, [concatenated([[0], leb(size), ...listed(size, (at) => [...leb(at), ...name(`l${at}`)])])])],
    }),
  'names of locals of many functions': (size) =>
    many(
      listed(size, () => []),
      {
        custom: [
          names(
            2,
            listed(size, (at) => [...leb(at), 1, 0, ...name('l')]),
          ),
        ],
      },
    ),
};

/** A name section with one subsection. */
function names(subsection: number, items: readonly Bytes[]): Bytes {
  return concatenated([name('name'), [subsection], sized(concatenated([leb(items.length), ...items]))]);
}
