// The instances that a script has made so far, and what became of each command: the same rules as the runner of crates/specification.
import { AingleWasmError, type Engine, hostFunction, type Instance, type Module, type ValueType } from 'aingle-wasm';
import type { Action, Command, Exclusion, Expected, Script } from './script';
import { isNamed } from './traps';
import { isJudged, matches, toValues } from './values';

/** `passed`, `dependent` on what an earlier command did not make, `uncarried` by JavaScript, a reason, or what went wrong. */
export type Outcome =
  | { readonly kind: 'passed' | 'dependent' | 'uncarried' }
  | { readonly kind: 'unable'; readonly reason: Exclusion['reason'] }
  | { readonly kind: 'failed'; readonly what: string };

/** What calling or instantiating came to. */
type Result<T> = { readonly value: T } | { readonly error: AingleWasmError };

const PASSED: Outcome = { kind: 'passed' };
const DEPENDENT: Outcome = { kind: 'dependent' };
const UNCARRIED: Outcome = { kind: 'uncarried' };
const REFUSALS = new Set([
  'ERR_MODULE_MALFORMED',
  'ERR_MODULE_INVALID',
  'ERR_FEATURE_DISABLED',
  'ERR_MODULE_TOO_COMPLEX',
]);
const UNLINKED = new Set(['ERR_IMPORT_MISSING', 'ERR_IMPORT_TYPE']);
const EXHAUSTED = new Set(['ERR_STACK_OVERFLOW']);

/** `print`, `print_i32`, `print_f64_f64`, …: functions without results that do nothing, their parameters in their names. */
const SPECTEST = Object.fromEntries(
  ['', '_i32', '_i64', '_f32', '_f64', '_i32_f32', '_f64_f64'].map((suffix) => {
    const params = suffix.split('_').slice(1) as ValueType[];
    return [`print${suffix}`, hostFunction(() => undefined, { params, results: [] })];
  }),
);

/** An instance, or undefined where one should be and was not made. */
type Slot = Instance | undefined;

export class Stage {
  readonly #engine: Engine;
  readonly #script: Script;
  readonly #named = new Map<string, Slot>();
  readonly #registered = new Map<string, Slot>();
  /** Instances whose state is not what the script expects, because a call was left out that could not be carried. */
  readonly #strayed = new WeakSet<Instance>();
  #current: Slot;

  constructor(engine: Engine, script: Script) {
    this.#engine = engine;
    this.#script = script;
  }

  apply(command: Command): Outcome {
    switch (command.kind) {
      case 'module':
        return this.#module(command.name, command.wasm);
      case 'register':
        return this.#register(command.instance, command.module);
      case 'perform':
        return this.#perform(command.action, (result) => ('value' in result ? PASSED : unexpected('a return', result)));
      case 'assertReturn':
        return this.#assertReturn(command.action, command.expected);
      case 'assertTrap':
        return this.#perform(command.action, (result) => trapped(result, command.message));
      case 'assertExhaustion':
        return this.#perform(command.action, (result) => coded(result, EXHAUSTED));
      case 'assertModuleTrap': {
        const made = this.#instantiate(command.wasm);
        return 'kind' in made ? made : trapped(made, command.message);
      }
      case 'assertUnlinkable': {
        const made = this.#instantiate(command.wasm);
        return 'kind' in made ? made : coded(made, UNLINKED);
      }
      case 'assertRefused':
        return coded(
          attempt(() => this.#engine.compileSync(this.#script.module(command.wasm))),
          REFUSALS,
        );
    }
  }

  #module(name: string | null, file: string): Outcome {
    const made = this.#instantiate(file);
    this.#current = 'value' in made ? made.value : undefined;
    if (name !== null) this.#named.set(name, this.#current);
    if ('kind' in made) return made;
    return 'value' in made ? PASSED : unexpected('an instance', made);
  }

  #register(instance: string | null, module: string): Outcome {
    const slot = this.#slot(instance);
    this.#registered.set(module, slot);
    return slot === undefined ? DEPENDENT : PASSED;
  }

  /** Instantiates, unless the imports already say that this cannot be done. */
  #instantiate(file: string): Result<Instance> | Outcome {
    const compiled = attempt(() => this.#engine.compileSync(this.#script.module(file)));
    if ('error' in compiled) return compiled;
    const obstacle = this.#obstacle(compiled.value);
    if (obstacle !== undefined) return obstacle;
    const imports = { spectest: SPECTEST, ...this.#exportsOfRegistered() };
    return attempt(() => compiled.value.instantiateSync({ imports, abi: 'bytes', afterTrap: 'keep' }));
  }

  #obstacle(module: Module): Outcome | undefined {
    for (const { module: from, kind } of module.imports) {
      const isRegistered = this.#registered.has(from);
      if (isRegistered && this.#registered.get(from) === undefined) return DEPENDENT;
      if (kind === 'function') continue;
      if (isRegistered) return { kind: 'unable', reason: kind === 'table' ? 'linking-table' : 'linking' };
      if (from === 'spectest') return { kind: 'unable', reason: 'host-objects' };
    }
    return undefined;
  }

  #exportsOfRegistered() {
    const modules = [...this.#registered].filter((entry): entry is [string, Instance] => entry[1] !== undefined);
    return Object.fromEntries(modules.map(([name, instance]) => [name, typedExports(instance)]));
  }

  #assertReturn(action: Action, expected: readonly Expected[]): Outcome {
    return this.#perform(action, (result) => {
      if ('error' in result) return unexpected(JSON.stringify(expected), result);
      if (!expected.every(isJudged)) return UNCARRIED;
      const values = result.value;
      const same = values.length === expected.length && expected.every((each, index) => matches(each, values[index]));
      return same ? PASSED : unexpected(JSON.stringify(expected), result);
    });
  }

  #perform(action: Action, judge: (result: Result<readonly unknown[]>) => Outcome): Outcome {
    const instance = this.#slot(action.instance);
    if (instance === undefined) return DEPENDENT;
    if (action.arguments === null) return { kind: 'unable', reason: 'globals' };
    const values = isUncarried(instance, action.export) ? undefined : toValues(action.arguments);
    if (values === undefined) {
      this.#strayed.add(instance);
      return UNCARRIED;
    }
    const outcome = judge(
      attempt(() => {
        const returned = instance.exports[action.export]!(...values);
        return Array.isArray(returned) ? returned : returned === undefined ? [] : [returned];
      }),
    );
    return outcome.kind === 'failed' && this.#strayed.has(instance) ? UNCARRIED : outcome;
  }

  #slot(name: string | null): Slot {
    return name === null ? this.#current : this.#named.get(name);
  }
}

/** Exported functions as host functions of their own types. */
function typedExports(instance: Instance) {
  const functions = instance.module.exports.filter((each) => each.kind === 'function');
  return Object.fromEntries(
    functions.map(({ name, type }) => [name, hostFunction(instance.exports[name]!, { ...type })]),
  );
}

/** Whether a function has parameters or results that no JavaScript caller can give or take yet. */
function isUncarried(instance: Instance, name: string): boolean {
  const found = instance.module.exports.find((each) => each.name === name);
  if (found?.kind !== 'function') return false;
  return [...found.type.params, ...found.type.results].some((type) => !/^[if](32|64)$/.test(type));
}

/** What a function of another instance failed with comes wrapped in the host function that it was. */
function attempt<T>(run: () => T): Result<T> {
  try {
    return { value: run() };
  } catch (thrown) {
    let error = thrown;
    while (error instanceof AingleWasmError && error.code === 'ERR_HOST_FUNCTION') error = error.cause;
    if (!(error instanceof AingleWasmError)) throw thrown;
    return { error };
  }
}

function trapped(result: Result<unknown>, message: string): Outcome {
  const isRight = 'error' in result && result.error.code === 'ERR_TRAP' && isNamed(result.error.details?.trap, message);
  return isRight ? PASSED : unexpected(`the trap ${message}`, result);
}

function coded(result: Result<unknown>, codes: ReadonlySet<string>): Outcome {
  return 'error' in result && codes.has(result.error.code) ? PASSED : unexpected([...codes].join(' or '), result);
}

function unexpected(expected: string, result: Result<unknown>): Outcome {
  const found = 'error' in result ? `${result.error.code} ${result.error.message}` : String(result.value);
  return { kind: 'failed', what: `expected ${expected}, found ${found}` };
}
