// What the conformance suite uses of vitest, on top of node:test, for boards on which vitest itself does not run. The suite is bundled
// with this in its place by scripts/test-boards.mjs.
import { test as nodeTest } from 'node:test';
import { format } from 'node:util';
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  getState,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  type MatcherState,
  setState,
} from '@vitest/expect';

type Body = (...values: never[]) => unknown;
type Hook = () => unknown;

interface Suite {
  readonly title: string;
  readonly parent: Suite | undefined;
  readonly before: Hook[];
  readonly after: Hook[];
}

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);

export const expect = Object.assign(
  (value: unknown, message?: string) => chai.expect(value, message),
  chai.expect,
  (globalThis as Record<symbol, object>)[ASYMMETRIC_MATCHERS_OBJECT],
  { getState: () => getState(expect as never) as MatcherState },
);
setState({ currentTestName: '' }, expect as never);

let suite: Suite = { title: '', parent: undefined, before: [], after: [] };

function define(title: string, body: Hook): void {
  const outer = suite;
  suite = { title, parent: outer, before: [], after: [] };
  body();
  suite = outer;
}

export const describe = Object.assign(define, {
  each: (rows: readonly unknown[]) => (title: string, body: Body) => {
    rows.forEach((row, index) => {
      define(titleOf(title, row, index), () => body(...valuesOf(row)));
    });
  },
});

function declare(title: string, ...rest: unknown[]): void {
  const body = rest.find((part) => typeof part === 'function') as Hook;
  const owners = lineage(suite);
  const name = [...owners.map((owner) => owner.title).filter((text) => text !== ''), title].join(' > ');
  const skip = SKIPPED.test(name);
  nodeTest(name, { skip }, async () => {
    setState({ currentTestName: name }, expect as never);
    for (const hook of owners.flatMap((owner) => owner.before)) await hook();
    try {
      await body();
    } finally {
      for (const hook of owners.flatMap((owner) => owner.after)) await hook();
    }
  });
}

export const test = Object.assign(declare, {
  each: (rows: readonly unknown[]) => (title: string, body: Body) => {
    rows.forEach((row, index) => {
      declare(titleOf(title, row, index), () => body(...valuesOf(row)));
    });
  },
});

export function beforeEach(hook: Hook): void {
  suite.before.push(hook);
}

export function afterEach(hook: Hook): void {
  suite.after.push(hook);
}

/** Names of tests that a board cannot run: they start processes, which an emulated Node cannot, or would run for an hour. */
const SKIPPED = new RegExp(process.env.AINGLE_WASM_TEST_SKIP ?? '(?!)');

/** From the outermost suite to this one. */
function lineage(inner: Suite | undefined): readonly Suite[] {
  return inner === undefined ? [] : [...lineage(inner.parent), inner];
}

function valuesOf(row: unknown): never[] {
  return (Array.isArray(row) ? row : [row]) as never[];
}

/** `$name` is a field of the row, `%#` its number, the rest as in `util.format`. */
function titleOf(title: string, row: unknown, index: number): string {
  const named = title
    .replace(/%#/g, String(index))
    .replace(/\$(\w+)/g, (_, name: string) => String((row as Record<string, unknown>)[name]));
  const places = named.match(/%[sidjo]/g)?.length ?? 0;
  return format(named, ...valuesOf(row).slice(0, places));
}
