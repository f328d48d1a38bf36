import type { AingleWasmError } from '../../../errors/error';
import type { Channel, Message } from './channel';
import { errorOfFault, type Fault, Kind } from './protocol';
import type { Answer, Frame } from './thread';

/** A request that runs no guest: compiling a module, forgetting a guest. */
export class Errand<T> implements Frame {
  readonly parent = undefined;
  readonly places = undefined;
  readonly makesGuest = false;
  readonly result: Promise<T>;
  readonly #write: Answer;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;

  /** @param parked whether it may be left undone when the process has nothing else to do */
  constructor(
    write: Answer,
    readonly parked: boolean,
  ) {
    this.#write = write;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get owner(): object {
    return this;
  }

  begin(channel: Channel): void {
    this.#write(channel);
  }

  serve(): never {
    throw new Error('no guest runs');
  }

  settle(_channel: Channel, { kind, value }: Message): void {
    if (kind === Kind.done) this.#resolve(value as T);
    else this.#reject(errorOfFault(value as Fault));
  }

  expire(): boolean {
    return false;
  }

  abandon(error: AingleWasmError): void {
    this.#reject(error);
  }
}
