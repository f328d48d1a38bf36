import type { InstancePermit } from '../engine';
import { engineClosed } from '../refusals';
import { Errand } from './errand';
import { keepThread } from './pool';
import { Access, Kind } from './protocol';
import type { Thread } from './thread';

/** A guest with more pages than this is freed with its worker: an idle worker does not collect what it let go of. */
const MAX_KEPT_PAGES = 256;

let lastTenant = 0;

/** The place of one guest in a worker. Knows nothing of the instance, so that an instance that nobody holds can be collected. */
export class Tenancy {
  readonly thread: Thread;
  readonly tenant = ++lastTenant;
  /** Pages of the guest's memory, as the worker said last. */
  pages = 0;
  readonly #permit: InstancePermit;
  /** Whether other guests live there too. */
  readonly #shared: boolean;
  readonly #left: (tenancy: Tenancy) => void;
  #over = false;

  /** @param left told when the guest is gone */
  constructor(thread: Thread, permit: InstancePermit, shared: boolean, left: (tenancy: Tenancy) => void) {
    this.thread = thread;
    this.#permit = permit;
    this.#shared = shared;
    this.#left = left;
  }

  /** Ends it while its guest is at rest, or gone already. A second time does nothing. */
  release(): void {
    if (this.#over) return;
    this.#over = true;
    this.#permit.release();
    this.#left(this);
    if (this.thread.dead !== undefined) return;
    if (this.#shared) this.#drop();
    else if (this.pages <= MAX_KEPT_PAGES && keepThread(this.thread)) this.#drop();
    else this.thread.end();
  }

  /** Ends it whatever its guest is doing: calls are rejected, as the engine is closed. */
  evict(): void {
    if (this.thread.busy) this.thread.kill(engineClosed(), engineClosed);
    this.release();
  }

  #drop(): void {
    const errand = new Errand((channel) => {
      channel.numbers[Access.tenant] = this.tenant;
      channel.send(Kind.drop);
    }, true);
    // A worker that is ended has forgotten its guests as well.
    errand.result.catch(() => {});
    this.thread.submit(errand);
  }
}
