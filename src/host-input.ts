/** The bytes a guest passed to a host function: a copy that the host function may keep. */
export class HostInput {
  readonly bytes: Uint8Array;

  /** @internal */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The bytes as UTF-8 text; what is no UTF-8 becomes U+FFFD. */
  text(): string {
    return decodeText(this.bytes);
  }

  /**
   * The bytes as JSON.
   * @throws {SyntaxError} if they are none
   */
  json<T = unknown>(): T {
    return JSON.parse(decodeText(this.bytes)) as T;
  }
}

const decoder = new TextDecoder();

/** UTF-8 to text, without a byte order mark at its beginning. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
