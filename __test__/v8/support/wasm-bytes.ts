// Modules made byte by byte, for shapes that no text would be written for.

/** What a module consists of: the items of each section, each as its bytes. */
export interface Parts {
  readonly types?: readonly Bytes[];
  readonly imports?: readonly Bytes[];
  /** Type of each function. */
  readonly functions?: readonly number[];
  readonly tables?: readonly Bytes[];
  readonly memories?: readonly Bytes[];
  readonly globals?: readonly Bytes[];
  readonly exports?: readonly Bytes[];
  readonly elements?: readonly Bytes[];
  /** Bodies from their locals on, without the last `end`. */
  readonly code?: readonly Bytes[];
  readonly data?: readonly Bytes[];
  /** Contents of custom sections. */
  readonly custom?: readonly Bytes[];
}

export type Bytes = readonly number[];

/** Numbers of the sections, in their order. */
const SECTIONS: readonly (readonly [number, Exclude<keyof Parts, 'functions' | 'code' | 'custom'>])[] = [
  [1, 'types'],
  [2, 'imports'],
  [4, 'tables'],
  [5, 'memories'],
  [6, 'globals'],
  [7, 'exports'],
  [9, 'elements'],
  [11, 'data'],
];
const [FUNCTIONS, CODE, END] = [3, 10, 0x0b];

/** The module of these parts. */
export function assemble(parts: Parts): Uint8Array {
  const sections = new Map<number, readonly Bytes[]>(SECTIONS.map(([id, name]) => [id, parts[name] ?? []]));
  sections.set(FUNCTIONS, (parts.functions ?? []).map(leb));
  sections.set(
    CODE,
    (parts.code ?? []).map((body) => sized(concatenated([body, [END]]))),
  );
  const written = [...sections].sort(([left], [right]) => left - right).filter(([, items]) => items.length > 0);
  const list = (items: readonly Bytes[]) => concatenated([leb(items.length), ...items]);
  return Uint8Array.from(
    concatenated([
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...written.map(([id, items]) => concatenated([[id], sized(list(items))])),
      ...(parts.custom ?? []).map((contents) => concatenated([[0], sized(contents)])),
    ]),
  );
}

/** An unsigned LEB128 number. */
export function leb(value: number): Bytes {
  const bytes = [];
  let rest = value;
  do {
    bytes.push(rest >= 0x80 ? (rest & 0x7f) | 0x80 : rest);
    rest = Math.floor(rest / 0x80);
  } while (rest > 0);
  return bytes;
}

/** A number of at least 0 as a signed LEB128 number, as block types have it. */
export function signed(value: number): Bytes {
  const bytes = [...leb(value)];
  const last = bytes.at(-1)!;
  return (last & 0x40) === 0 ? bytes : [...bytes.slice(0, -1), last | 0x80, 0];
}

/** Bytes with their length before them. */
export function sized(bytes: Bytes): Bytes {
  return concatenated([leb(bytes.length), bytes]);
}

/** A name. */
export function name(text: string): Bytes {
  return sized([...Buffer.from(text)]);
}

/** What is made of each number below `count`, one after the other. */
export function repeated(count: number, make: (position: number) => Bytes): Bytes {
  return concatenated(listed(count, make));
}

/** What is made of each number below `count`. */
export function listed<T>(count: number, make: (position: number) => T): T[] {
  return Array.from({ length: count }, (_, position) => make(position));
}

export function concatenated(parts: readonly Bytes[]): Bytes {
  const bytes: number[] = [];
  for (const part of parts) for (const byte of part) bytes.push(byte);
  return bytes;
}
