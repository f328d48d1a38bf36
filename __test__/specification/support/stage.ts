// The instances that a script has made so far, and what became of each command: the same rules as the runner of crates/specification.
import { moduleImports } from './plain';
import type { Action, Command, Exclusion, Expected, Script } from './script';
import { Failure, type Target, Uncarried } from './target';
import { isNamed } from './traps';
import { judgeAll, type Result } from './values';

/** `dependent`: on what an earlier command did not make. `uncarried`: the target cannot pass the values, or see their bits. */
export type Outcome =
  | { readonly kind: 'passed' | 'dependent' | 'uncarried' }
  | { readonly kind: 'unable'; readonly reason: Exclusion['reason'] }
  | { readonly kind: 'failed'; readonly what: string };

/** What doing something came to. */
type Attempt<T> = { readonly value: T } | { readonly failure: Failure };

const PASSED: Outcome = { kind: 'passed' };
const DEPENDENT: Outcome = { kind: 'dependent' };
const UNCARRIED: Outcome = { kind: 'uncarried' };

export class Stage<Instance extends object> {
  readonly #target: Target<Instance>;
  readonly #script: Script;
  /** Undefined where an instance should be and was not made; the same in the other two. */
  readonly #named = new Map<string, Instance | undefined>();
  readonly #registered = new Map<string, Instance | undefined>();
  #current: Instance | undefined;
  /** Instances whose state is not what the script expects, because a call was left out that could not be carried. */
  readonly #strayed = new WeakSet<Instance>();

  constructor(target: Target<Instance>, script: Script) {
    this.#target = target;
    this.#script = script;
  }

  apply(command: Command): Outcome {
    switch (command.kind) {
      case 'module':
        return this.#module(command.name, command.wasm);
      case 'register':
        return this.#register(command.instance, command.module);
      case 'perform':
        return this.#perform(command.action, (attempt) =>
          'value' in attempt ? PASSED : unexpected('a return', attempt),
        );
      case 'assertReturn':
        return this.#perform(command.action, (attempt) => returned(command.expected, attempt));
      case 'assertTrap':
        return this.#perform(command.action, (attempt) => trapped(command.message, attempt));
      case 'assertExhaustion':
        return this.#perform(command.action, (attempt) => failed('exhausted', attempt));
      case 'assertModuleTrap':
        return this.#instantiate(command.wasm, (attempt) => trapped(command.message, attempt));
      case 'assertUnlinkable':
        return this.#instantiate(command.wasm, (attempt) => failed('unlinked', attempt));
      case 'assertRefused':
        return failed(
          'refused',
          attempt(() => this.#target.validate(this.#script.module(command.wasm))),
        );
    }
  }

  #module(name: string | null, file: string): Outcome {
    this.#current = undefined;
    const outcome = this.#instantiate(file, (made) => {
      if ('failure' in made) return unexpected('an instance', made);
      this.#current = made.value;
      return PASSED;
    });
    if (name !== null) this.#named.set(name, this.#current);
    return outcome;
  }

  #register(instance: string | null, module: string): Outcome {
    const found = this.#instance(instance);
    this.#registered.set(module, found);
    return found === undefined ? DEPENDENT : PASSED;
  }

  /** Instantiates, unless the imports already say that this cannot be done. */
  #instantiate(file: string, judge: (made: Attempt<Instance>) => Outcome): Outcome {
    const wasm = this.#script.module(file);
    const obstacle = this.#obstacle(wasm);
    if (obstacle !== undefined) return obstacle;
    const present = [...this.#registered].filter((entry): entry is [string, Instance] => entry[1] !== undefined);
    return judge(attempt(() => this.#target.instantiate(wasm, new Map(present))));
  }

  #obstacle(wasm: Uint8Array): Outcome | undefined {
    for (const { module, kind } of moduleImports(wasm)) {
      const isRegistered = this.#registered.has(module);
      if (isRegistered && this.#registered.get(module) === undefined) return DEPENDENT;
      if (kind === 'function' || !(isRegistered || module === 'spectest')) continue;
      const reason = !isRegistered ? 'host-objects' : kind === 'table' ? 'linking-table' : 'linking';
      if (this.#target.unable.has(reason)) return { kind: 'unable', reason };
    }
    return undefined;
  }

  #perform(action: Action, judge: (attempt: Attempt<readonly Result[]>) => Outcome): Outcome {
    const instance = this.#instance(action.instance);
    if (instance === undefined) return DEPENDENT;
    try {
      const outcome = judge(attempt(() => this.#act(instance, action)));
      return outcome.kind === 'failed' && this.#strayed.has(instance) ? UNCARRIED : outcome;
    } catch (error) {
      if (!(error instanceof Uncarried)) throw error;
      this.#strayed.add(instance);
      return error.message === '' ? UNCARRIED : { kind: 'unable', reason: error.message as Exclusion['reason'] };
    }
  }

  #act(instance: Instance, action: Action): readonly Result[] {
    if (action.arguments === null) return [this.#target.get(instance, action.export)];
    return this.#target.invoke(instance, action.export, action.arguments);
  }

  #instance(name: string | null): Instance | undefined {
    return name === null ? this.#current : this.#named.get(name);
  }
}

function attempt<T>(act: () => T): Attempt<T> {
  try {
    return { value: act() };
  } catch (error) {
    if (error instanceof Failure) return { failure: error };
    throw error;
  }
}

function returned(expected: readonly Expected[], found: Attempt<readonly Result[]>): Outcome {
  const verdict = 'value' in found ? judgeAll(expected, found.value) : 'no';
  if (verdict === 'yes') return PASSED;
  return verdict === 'unknown' ? UNCARRIED : unexpected(JSON.stringify(expected), found);
}

function trapped(message: string, found: Attempt<unknown>): Outcome {
  const isRight = 'failure' in found && found.failure.kind === 'trap' && isNamed(found.failure.trap, message);
  return isRight ? PASSED : unexpected(`the trap ${message}`, found);
}

function failed(kind: Failure['kind'], found: Attempt<unknown>): Outcome {
  return 'failure' in found && found.failure.kind === kind ? PASSED : unexpected(kind, found);
}

function unexpected(expected: string, found: Attempt<unknown>): Outcome {
  const text = 'failure' in found ? `${found.failure.kind}: ${found.failure.message}` : JSON.stringify(found.value);
  return { kind: 'failed', what: `expected ${expected}, found ${text}` };
}
