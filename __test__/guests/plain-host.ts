// The smallest host there is, on plain WebAssembly: it shows what a guest does by itself, without prepare, limits or the facade.
import { readFileSync } from 'node:fs';
import { crc32 } from './crc32.js';

const HEADER = 12;
const folder = new URL('../../guests/', import.meta.url);

export interface Reply {
  readonly isError: boolean;
  readonly flags: number;
  readonly payload: Buffer;
}

export type HostFunction = (input: Buffer) => Uint8Array;

export function guestBytes(path: string): Buffer<ArrayBuffer> {
  return readFileSync(new URL(path, folder)) as Buffer<ArrayBuffer>;
}

/** Names of imports, as `module.name`, and of exported functions. */
export function interfaceOf(bytes: Uint8Array<ArrayBuffer>): { imports: string[]; exports: string[] } {
  const module = new WebAssembly.Module(bytes);
  const { Module } = WebAssembly as unknown as ModuleStatics;
  return {
    imports: Module.imports(module).map((item) => `${item.module}.${item.name}`),
    exports: Module.exports(module).flatMap((item) => (item.kind === 'function' ? [item.name] : [])),
  };
}

/** What Node's own type declarations leave out. */
interface ModuleStatics {
  readonly Module: {
    imports(module: WebAssembly.Module): { module: string; name: string }[];
    exports(module: WebAssembly.Module): { name: string; kind: string }[];
  };
}

/** An instance of a guest that was made with the guest kit. */
export class PlainGuest {
  readonly exports: Record<string, CallableFunction>;
  /** What the guest last reported through `aingle_v1.panic`. */
  panic: Buffer | undefined;
  readonly callBuffer: { readonly address: number; readonly capacity: number };
  private readonly memory: WebAssembly.Memory;

  private constructor(path: string, env: Record<string, HostFunction>) {
    const imports = {
      aingle_v1: {
        crc32: (address: number, length: number) => crc32(this.read(address, length)) | 0,
        panic: (address: number, length: number) => {
          this.panic = this.read(address, length);
        },
      },
      env: Object.fromEntries(Object.entries(env).map(([name, call]) => [name, this.hostFunction(call)])),
    };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(guestBytes(path)), imports);
    this.exports = instance.exports as Record<string, CallableFunction>;
    this.memory = instance.exports.memory as WebAssembly.Memory;
    const [address, capacity] = unpack(this.exports.__aingle_guest_call_buffer!());
    this.callBuffer = { address, capacity };
  }

  static load(path: string, env: Record<string, HostFunction> = {}): PlainGuest {
    return new PlainGuest(path, env);
  }

  get pages(): number {
    return this.memory.buffer.byteLength / 65_536;
  }

  /** Calls an export with an envelope, checks the envelope that comes back, and resets the arena. */
  call(name: string, input: string | Uint8Array): Reply {
    const envelope = envelopeOf(Buffer.from(input), 4);
    const address =
      envelope.length <= this.callBuffer.capacity ? this.callBuffer.address : this.allocate(envelope.length);
    this.write(address, envelope);
    const packed = this.exports[name]!(address, envelope.length) as bigint;
    const [pointer, length] = unpack(packed);
    const result = this.read(pointer, length);
    this.exports.__aingle_guest_reset_arena!();
    if (length > 0) checkEnvelope(result);
    return { isError: packed < 0n, flags: result[3] ?? 0, payload: result.subarray(HEADER) };
  }

  allocate(length: number): number {
    return (this.exports.__aingle_guest_allocate!(length) as number) >>> 0;
  }

  private hostFunction(call: HostFunction) {
    return (address: number, length: number) => {
      const input = this.read(address, length);
      checkEnvelope(input);
      const reply = envelopeOf(Buffer.from(call(input.subarray(HEADER))), 0);
      const target = this.allocate(reply.length);
      this.write(target, reply);
      return BigInt.asIntN(64, (BigInt(target) << 32n) | BigInt(reply.length));
    };
  }

  private read(address: number, length: number): Buffer {
    return Buffer.from(new Uint8Array(this.memory.buffer, address >>> 0, length >>> 0));
  }

  private write(address: number, bytes: Uint8Array): void {
    new Uint8Array(this.memory.buffer).set(bytes, address);
  }
}

/** Pointer, without the error mark, and length. */
function unpack(packed: bigint): [number, number] {
  const bits = BigInt.asUintN(63, packed);
  return [Number(bits >> 32n), Number(bits & 0xffff_ffffn)];
}

function envelopeOf(payload: Buffer, flags: number): Buffer {
  const header = Buffer.from([0x49, 0x41, 1, flags, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32LE(payload.length, 4);
  header.writeUInt32LE(crc32(payload), 8);
  return Buffer.concat([header, payload]);
}

function checkEnvelope(bytes: Buffer): void {
  const payload = bytes.subarray(HEADER);
  const sound = bytes.readUInt32LE(4) === payload.length && bytes.readUInt32LE(8) === crc32(payload);
  if (!sound || bytes.readUInt16LE(0) !== 0x4149 || bytes[2] !== 1)
    throw new Error('the guest sent a damaged envelope');
}
