// Text that comes from guests or callers, made safe to stand in one line of a message or a log.

/** Longest piece of foreign text in a message, in characters. */
export const MAX_TEXT = 200;

/** Control characters, line and paragraph separators, marks that change the direction of text, lone surrogates. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Escapes what could break a line or mislead a reader, and cuts at {@link MAX_TEXT} characters. */
export function safeText(text: string): string {
  // Cut by characters before escaping, so that a hostile megabyte costs as little as a short text.
  const characters = Array.from(text.slice(0, 2 * MAX_TEXT + 2));
  const cut = characters.length > MAX_TEXT;
  const kept = cut ? characters.slice(0, MAX_TEXT).join('') : text;
  const escaped = kept.replace(UNSAFE, (c) => SHORT[c] ?? `\\u{${c.codePointAt(0)!.toString(16)}}`);
  return cut ? `${escaped}…` : escaped;
}

/** Names in quotes, as messages list them: `"a", "b"`. */
export function quoteAll(names: readonly string[]): string {
  return names.map((name) => `"${safeText(name)}"`).join(', ');
}

/** What a caller gave, in few words: `"text"`, `12n`, `an instance of Date`, `a function`. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `"${safeText(value)}"`;
    case 'bigint':
      return `${safeText(String(value))}n`;
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    case 'object':
      return describeObject(value);
    default:
      return String(value);
  }
}

function describeObject(value: object | null): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== 'Object' && name !== ''
    ? `an instance of ${safeText(name)}`
    : 'an object';
}
