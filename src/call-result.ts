import type { RawResult } from './backend/backend';
import { decodeText } from './host-input';
import type { Receipt } from './types';

/** What a call returned, with what it cost. */
export class CallResult {
  readonly bytes: Uint8Array;
  readonly receipt: Receipt;

  /** @internal */
  constructor({ bytes, receipt }: RawResult) {
    this.bytes = bytes;
    this.receipt = receipt;
  }

  /** Operators executed by the call. */
  get fuelUsed(): bigint {
    return this.receipt.fuelUsed;
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
