import { basename, join } from 'node:path';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { ErrorCode } from '../../../errors/codes';
import { type AingleWasmError, createError } from '../../../errors/error';
import { instanceClosed } from '../refusals';
import { Channel, channelMemory, type Message, Side } from './channel';
import type { Occupant, Places } from './places';
import { giveWay, ranMs } from './priority';
import { Kind } from './protocol';

const PROGRAM = join(__dirname, 'program.js');

/** Writes the answer to a host call and sends it. */
export type Answer = (channel: Channel) => void;

/** A request to a worker, from its submission until its end. */
export interface Frame {
  /** The instance whose guest it runs. */
  readonly owner: object;
  /** The places of those that run guests, if it is one of them. */
  readonly places: Places | undefined;
  /** Whether it makes a guest. */
  readonly makesGuest: boolean;
  /** The request in whose host function this one was made, of the same instance. */
  readonly parent: Frame | undefined;
  /** Whether it waits for something that its caller may do whenever it likes, so that it does not keep the process alive. */
  readonly parked: boolean;
  /** Writes the request and sends it. */
  begin(channel: Channel): void;
  /** Serves a host call of the guest. */
  serve(channel: Channel, message: Message): Answer | Promise<Answer>;
  /** The worker is done with it. */
  settle(channel: Channel, message: Message): void;
  /** Stops it if its time is over. Returns whether it was. */
  expire(): boolean;
  /** It was refused or stopped. */
  abandon(error: AingleWasmError): void;
}

/** A frame that is in the worker. */
interface Entered {
  readonly frame: Frame;
  /** It waits in a host function. */
  inHost: boolean;
  /** What that host function came to, not sent yet. */
  answer: Answer | undefined;
}

/** One worker and the conversation with it. One side speaks at a time; requests wait here until it is their turn. */
export class Thread implements Occupant {
  readonly channel: Channel;
  /** Resolves when it serves, or never will. */
  readonly started: Promise<void>;
  /** Resolves when the thread has ended. */
  readonly exited: Promise<void>;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  /** In the worker, outermost first: each but the last waits in a host function. */
  readonly #entered: Entered[] = [];
  #waiting: Frame[] = [];
  /** Not the error: its stack and its cause can hold the instance, and the engine's registry holds this until that is collected. */
  #dead: ErrorCode | undefined;
  #serving = false;
  #setStarted!: () => void;
  /** Whether the turn is here. */
  #turn = true;
  /** A call is being made that blocks this thread. */
  #blocking = false;
  #lowered = false;
  /** Where it has a place, or waits for one. */
  #places: Places | undefined;

  /** @throws {AingleWasmError} `ERR_ENGINE_UNAVAILABLE` if this process may not have workers */
  constructor() {
    const shared = channelMemory();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.channel = new Channel(shared, port1, Side.caller);
    try {
      // Without the flags of this process: hooks of its loaders are not meant for guests.
      this.#worker = new Worker(PROGRAM, {
        workerData: { shared, port: port2 },
        transferList: [port2],
        execArgv: [],
        name: 'aingle-wasm',
      });
    } catch (error) {
      port1.close();
      throw noWorker(error);
    }
    this.#worker.unref();
    this.started = new Promise((resolve) => {
      this.#setStarted = resolve;
    });
    this.#worker.once('message', () => this.#serves());
    this.exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('error', (error) => this.#failed(error));
    this.#worker.on('exit', () => this.#failed(new Error('the worker exited')));
    port1.on('message', (posted) => this.#rung(posted));
    port1.unref();
  }

  /** The code of what ended it: it takes no more requests. */
  get dead(): ErrorCode | undefined {
    return this.#dead;
  }

  /** Whether its priority was lowered because a guest took long. */
  get lowered(): boolean {
    return this.#lowered;
  }

  /** Whether a request is in it, or waits. */
  get busy(): boolean {
    return this.#entered.length > 0 || this.#waiting.length > 0;
  }

  /** Where the innermost call of an instance is: in the guest, in a host function, or nowhere. */
  place(owner: object): 'guest' | 'host' | undefined {
    const found = this.#entered.findLast(({ frame }) => frame.owner === owner);
    return found && (found.inHost ? 'host' : 'guest');
  }

  /** How many calls of an instance are in it, one inside the other. */
  depth(owner: object): number {
    return this.#entered.filter(({ frame }) => frame.owner === owner).length;
  }

  ranMs(): number | undefined {
    return ranMs(this.channel.threadNumber);
  }

  giveWay(): boolean {
    this.#lowered ||= giveWay(this.channel.threadNumber);
    return this.#lowered;
  }

  proceed(): void {
    this.#advance();
  }

  /** Takes a request. */
  submit(frame: Frame): void {
    this.#waiting.push(frame);
    this.#advance();
  }

  /** Takes back a request that still waits. Returns whether it did. */
  withdraw(frame: Frame): boolean {
    const at = this.#waiting.indexOf(frame);
    if (at === -1) return false;
    this.#waiting.splice(at, 1);
    this.refresh();
    return true;
  }

  /** Whether a request has ended, though its end was not taken yet. */
  hasEnded(frame: Frame): boolean {
    if (this.#turn || this.#entered.at(-1)?.frame !== frame) return false;
    const { arrived } = this.channel;
    return arrived !== undefined && arrived !== Kind.host;
  }

  /** Refuses the requests of an instance that still wait. */
  refuse(owner: object, error: () => AingleWasmError): void {
    const refused = this.#waiting.filter((frame) => frame.owner === owner);
    this.#waiting = this.#waiting.filter((frame) => frame.owner !== owner);
    for (const frame of refused) frame.abandon(error());
  }

  /** Whether a request of an instance would enter at once. */
  ready(owner: object): boolean {
    return this.#serving && this.#isNext(owner);
  }

  /** Whether a request, which is to be submitted, will wait for no other. */
  admits({ owner, places }: Frame): boolean {
    return (this.#entered.length > 0 || places?.free !== false) && this.#isNext(owner);
  }

  /**
   * Serves a request while this thread waits for it, until it is settled or abandoned. It must be {@link ready} for it.
   *
   * @param left milliseconds that are left to it
   * @param expire called when none are left: must end this worker
   */
  block(frame: Frame, left: () => number, expire: () => void): void {
    const entered: Entered = { frame, inHost: false, answer: undefined };
    const outer = this.#blocking;
    this.#blocking = true;
    this.#entered.push(entered);
    try {
      this.#give((channel) => frame.begin(channel), false);
      for (;;) {
        if (!this.channel.wait(left())) expire();
        if (this.#dead !== undefined) return;
        const message = this.#take();
        if (message.kind !== Kind.host) {
          this.#entered.pop();
          frame.settle(this.channel, message);
          return;
        }
        entered.inHost = true;
        // Whoever blocks is never given a promise.
        const answer = frame.serve(this.channel, message) as Answer;
        if (this.#dead === undefined && left() <= 0) expire();
        if (this.#dead !== undefined) return;
        entered.inHost = false;
        this.#give(answer, false);
      }
    } finally {
      this.#blocking = outer;
      this.#advance();
    }
  }

  /** Asks for something that runs no guest code, and waits for it. The turn must be here. */
  exchange(begin: Answer): Message {
    this.#give(begin, false);
    this.channel.wait();
    return this.#take();
  }

  /** Whether {@link exchange} is possible. */
  get listening(): boolean {
    return this.#turn && this.#dead === undefined;
  }

  /** Ends the worker and everything in it. `errorFor` says what each request ends with. */
  kill(error: AingleWasmError, errorFor: (frame: Frame) => AingleWasmError): void {
    if (this.#dead !== undefined) return;
    this.#dead = error.code;
    this.#setStarted();
    const frames = [...this.#entered.splice(0).map(({ frame }) => frame), ...this.#waiting.splice(0)];
    this.#places?.leave(this);
    void this.#worker.terminate();
    this.#port.close();
    for (const frame of frames) frame.abandon(errorFor(frame));
  }

  /** Ends the worker, which is at rest. */
  end(): void {
    const error = instanceClosed();
    this.kill(error, () => error);
  }

  #serves(): void {
    if (this.#dead !== undefined) return;
    this.#serving = true;
    this.#setStarted();
    this.#advance();
  }

  /** A message was posted, because nobody blocks. */
  #rung(posted: unknown): void {
    if (this.#dead !== undefined) return;
    this.#places?.leave(this);
    const message = this.#take(posted);
    const entered = this.#entered.at(-1)!;
    if (message.kind === Kind.host) {
      this.#host(entered, message);
    } else {
      this.#entered.pop();
      entered.frame.settle(this.channel, message);
    }
    this.#advance();
  }

  #host(entered: Entered, message: Message): void {
    entered.inHost = true;
    const given = entered.frame.serve(this.channel, message);
    // The host function may have held up the event loop, and with it the deadline's timer.
    const answered = (answer: Answer) => {
      if (this.#dead === undefined && !entered.frame.expire()) entered.answer = answer;
    };
    if (!(given instanceof Promise)) {
      answered(given);
      return;
    }
    void given.then((answer) => {
      answered(answer);
      this.#advance();
    });
  }

  /** Does what is to be done next, if the turn is here: what was begun inside a host function, its answer, the next request. */
  #advance(): void {
    if (this.#serving && this.#turn && !this.#blocking && this.#dead === undefined) {
      const top = this.#entered.at(-1);
      const next = this.#waiting.find((frame) => this.#fits(frame, top));
      if (next !== undefined) this.#enterIfPlaced(next);
      else if (top?.answer !== undefined) this.#answer(top, top.answer);
    }
    this.refresh();
  }

  /** A request fits if the worker is at rest, or waits in a host function of the request's own parent, or in one of another instance. */
  #fits(frame: Frame, top: Entered | undefined): boolean {
    if (top === undefined) return true;
    if (frame.parent !== undefined) return frame.parent === top.frame;
    return this.#admits(frame.owner, top);
  }

  #isNext(owner: object): boolean {
    const top = this.#entered.at(-1);
    return this.#turn && (top === undefined ? this.#waiting.length === 0 : this.#admits(owner, top));
  }

  #admits(owner: object, top: Entered): boolean {
    return top.inHost && top.answer === undefined && this.place(owner) === undefined;
  }

  /** A request that is made inside of another goes on in its place. */
  #enterIfPlaced(frame: Frame): void {
    if (this.#entered.length === 0) {
      this.#places = frame.places;
      if (frame.places?.admits(this, frame.makesGuest) === false) return;
    }
    this.#enter(frame);
  }

  #enter(frame: Frame): void {
    this.#waiting.splice(this.#waiting.indexOf(frame), 1);
    this.#entered.push({ frame, inHost: false, answer: undefined });
    this.#give((channel) => frame.begin(channel), true);
  }

  #answer(entered: Entered, answer: Answer): void {
    entered.answer = undefined;
    entered.inHost = false;
    this.#give(answer, true);
  }

  #give(write: Answer, ring: boolean): void {
    this.channel.ring = ring;
    this.#turn = false;
    if (ring) this.#places?.enter(this);
    write(this.channel);
  }

  #take(posted?: unknown): Message {
    this.#turn = true;
    return this.channel.take(posted);
  }

  /** Looks again at what is parked: every other request keeps the process alive until it has ended. */
  refresh(): void {
    if (this.#dead !== undefined) return;
    if (this.#waiting.length > 0 || this.#entered.some(({ frame }) => !frame.parked)) this.#port.ref();
    else this.#port.unref();
  }

  /** The worker has ended by itself. */
  #failed(cause: Error): void {
    if (this.#dead !== undefined) return;
    const error = this.#serving ? lost(cause) : noWorker(cause);
    this.kill(error, () => error);
  }
}

function noWorker(cause: unknown): AingleWasmError {
  const text = cause instanceof Error ? cause.message : String(cause);
  // What a loader says of a missing file, without the directories of this machine.
  const reason = text.split('\n', 1)[0]!.replaceAll(PROGRAM, basename(PROGRAM));
  return createError(
    'ERR_ENGINE_UNAVAILABLE',
    'load',
    { backend: 'v8', attempts: [{ source: 'a worker thread', reason }] },
    cause,
  );
}

/** Workers of ours end by themselves only where the machine has no more memory for them. */
function lost(cause: Error): AingleWasmError {
  if ((cause as { code?: string }).code === 'ERR_WORKER_OUT_OF_MEMORY')
    return createError('ERR_OUT_OF_MEMORY', 'call', { resource: "a guest's worker", limit: 0, value: 0 }, cause);
  return createError('ERR_INTERNAL', 'call', { reason: `a guest's worker ended: ${cause.message}` }, cause);
}
