// `npm run bench`: prints the price list. `--quick` runs every row once and measures nothing, `--save` writes bench/results/,
// `--only=<text>` takes the chapters whose name contains it.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type AingleWasmError, type BackendKind, Engine, version } from 'aingle-wasm';
import { GROUPS } from './groups/index';
import { describeMachine, type Machine, machineSlug, thisMachine } from './machine';
import { FULL, measure, QUICK } from './measure';
import type { Chapter, Contender, Group, Price, Row } from './price-list';
import { chapterText } from './table';

const KINDS: readonly BackendKind[] = ['wasmer', 'wasmi', 'v8'];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
    },
  });
  const machine = thisMachine();
  const contenders = openContenders();
  const title = titleOf(machine, contenders, values.quick);
  console.log(title);
  const chapters: Chapter[] = [];
  for (const group of GROUPS.filter(({ name }) => name.includes(values.only))) {
    const chapter = await measureGroup(group, contenders, values.quick);
    chapters.push(chapter);
    console.log(chapterText(chapter, !values.quick));
  }
  await Promise.all(contenders.map(({ engine }) => engine.close()));
  if (values.save && !values.quick) await save(machine, title, chapters);
}

/** An engine of each backend that runs here; says why another does not. */
function openContenders(): Contender[] {
  return KINDS.flatMap((kind) => {
    try {
      return [{ kind, engine: new Engine({ backend: kind, meteringLimit: 'unlimited' }) }];
    } catch (error) {
      console.error(`${kind} is left out: ${(error as AingleWasmError).message}`);
      return [];
    }
  });
}

function titleOf(machine: Machine, contenders: readonly Contender[], quick: boolean): string {
  const engines = contenders.map(({ engine }) => `${engine.backend.kind} ${engine.backend.version}`).join(', ');
  const warning = quick
    ? '\n**Quick run: every row once, so that it is known to run. The figures mean nothing.**\n'
    : '';
  return `## Price list of aingle-wasm ${version}\n\n${describeMachine(machine)}.\nBackends: ${engines}. Medians of interleaved rounds; ratios to the first column.\n${warning}`;
}

async function measureGroup(group: Group, contenders: readonly Contender[], quick: boolean): Promise<Chapter> {
  const { name, about, peer, overall } = group;
  const prices: Price[] = [];
  for (const row of await group.rows(contenders)) prices.push(await measureRow(row, quick));
  return { name, about, peer, prices, ...(overall === undefined ? {} : { overall }) };
}

async function measureRow(row: Row, quick: boolean): Promise<Price> {
  const { what, targets = {} } = row;
  if ('counts' in row) {
    const values: Record<string, number> = {};
    for (const { name, count } of row.counts) values[name] = await count(quick);
    return { what, unit: row.unit, values, targets };
  }
  const ns = Object.fromEntries(await measure(row.subjects, quick ? QUICK : FULL));
  const { bytes } = row;
  if (bytes === undefined) return { what, unit: 'ns', values: ns, targets };
  const speeds = Object.entries(ns).map(([name, each]) => [name, (bytes * 1_000) / each]);
  return { what, unit: 'MB/s', values: Object.fromEntries(speeds), targets };
}

async function save(machine: Machine, title: string, chapters: readonly Chapter[]): Promise<void> {
  const folder = join(__dirname, 'results');
  const date = new Date().toISOString().slice(0, 10);
  const file = join(folder, `${machineSlug(machine)}-${date}`);
  await mkdir(folder, { recursive: true });
  await writeFile(`${file}.md`, `${title}\n${chapters.map((chapter) => chapterText(chapter, true)).join('\n')}`);
  await writeFile(`${file}.json`, `${JSON.stringify({ version, date, machine, chapters }, null, 2)}\n`);
  console.log(`saved as bench/results/${machineSlug(machine)}-${date}.md and .json`);
}

void main();
