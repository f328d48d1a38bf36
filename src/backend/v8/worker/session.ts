import { AingleWasmError, createError } from '../../../errors/error';
import { prepareModule } from '../../../fallback';
import { compileNow } from '../compile';
import type { Channel, Message } from './channel';
import { Ask, type CompileRequest, faultOf, Kind, type MakeRequest, type ObjectsRequest } from './protocol';
import { Tenant } from './tenant';

/** The worker's side: serves one request after the other, and those that come while a guest waits in a host function. */
export class Session {
  readonly #channel: Channel;
  readonly #tenants = new Map<number, Tenant>();
  readonly #serve: Readonly<Record<number, (message: Message) => void>> = {
    [Kind.compile]: ({ value }) => this.#compile(value as CompileRequest),
    [Kind.make]: ({ value }) => this.#make(value as MakeRequest),
    [Kind.drop]: () => this.#drop(),
    [Kind.bytes]: ({ bytes }) => this.#tenant().callBytes(bytes),
    [Kind.values]: () => this.#tenant().callValues(),
    [Kind.reference]: () => this.#tenant().callReference(),
    [Kind.nested]: ({ bytes }) => this.#tenant().callNested(bytes),
    [Kind.memoryRead]: () => this.#tenant().memoryRead(),
    [Kind.memoryWrite]: ({ bytes }) => this.#tenant().memoryWrite(bytes),
    [Kind.memoryGrow]: () => this.#tenant().memoryGrow(),
    [Kind.globalGet]: () => this.#tenant().globalGet(),
    [Kind.globalSet]: () => this.#tenant().globalSet(),
    [Kind.objects]: ({ value }) => this.#tenant().useObjects(value as ObjectsRequest),
  };

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Serves until the thread is ended from outside. */
  run(): never {
    for (;;) this.#answer(this.#next());
  }

  #next(): Message {
    this.#channel.wait();
    return this.#channel.take();
  }

  /** The caller's answer to a host call; whatever else it asks is served before. */
  #awaitReply(): Message {
    for (;;) {
      const message = this.#next();
      if (message.kind === Kind.returned || message.kind === Kind.refused) return message;
      this.#answer(message);
    }
  }

  /** Serves a request. What fails here, outside of a guest's call, leaves the guest as it was. */
  #answer(message: Message): void {
    try {
      this.#serve[message.kind]!(message);
    } catch (thrown) {
      const known = thrown instanceof AingleWasmError;
      const error = known ? thrown : createError('ERR_INTERNAL', 'call', { reason: `the worker threw ${thrown}` });
      this.#channel.send(Kind.failed, undefined, faultOf(error, false, false));
    }
  }

  #tenant(): Tenant {
    return this.#tenants.get(this.#channel.numbers[Ask.tenant]!)!;
  }

  #compile({ bytes, config }: CompileRequest): void {
    const prepared = prepareModule(bytes, config);
    const module = compileNow(prepared.bytes);
    this.#channel.send(Kind.done, undefined, { module, info: prepared.info });
  }

  #make(request: MakeRequest): void {
    const tenant = new Tenant(this.#channel, () => this.#awaitReply(), request);
    this.#tenants.set(request.tenant, tenant);
    tenant.made();
  }

  #drop(): void {
    this.#tenants.delete(this.#channel.numbers[Ask.tenant]!);
    this.#channel.send(Kind.done);
  }
}
