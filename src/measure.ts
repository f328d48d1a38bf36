// What sample inputs cost, told in the figures by which a limit is chosen.
import type { ErrorCode } from './errors/codes';
import { AingleWasmError, invalidType, invalidValue } from './errors/error';
import type { Instance } from './instance';
import type { Module } from './module';
import { readMeasureOptions } from './options/instance';
import type { FuelMeasurement, MeasureInput, MeasureOptions } from './types';

/** What a call is refused with before its guest runs: it says nothing of the input, so it ends the measurement. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'ERR_EXPORT_NOT_FOUND',
  'ERR_QUEUE_FULL',
  'ERR_ENGINE_CLOSED',
  'ERR_INSTANCE_CLOSED',
]);

/** Runs `name` once for each input, one after the other; see `engine.measure`. */
export async function measureFuel(
  module: Module,
  name: string,
  inputs: Iterable<MeasureInput>,
  options: MeasureOptions | undefined,
): Promise<FuelMeasurement> {
  const { instance: instanceOptions, fuel } = readMeasureOptions(options);
  const call = fuel === undefined ? {} : { fuel };
  const used: bigint[] = [];
  const failures: AingleWasmError[] = [];
  for (const input of samplesOf(inputs)) {
    const instance = await module.instantiate(instanceOptions);
    try {
      await run(instance, name, input, call);
      used.push(instance.fuelUsed);
    } catch (error) {
      if (!(error instanceof AingleWasmError) || REFUSALS.has(error.code)) throw error;
      failures.push(error);
    } finally {
      instance.close();
    }
  }
  if (used.length === 0) throw failures[0] ?? invalidValue('inputs', 'at least one input', inputs);
  return summary(used, failures);
}

function samplesOf(inputs: unknown): Iterable<MeasureInput> {
  const samples = typeof inputs === 'object' && inputs !== null && !ArrayBuffer.isView(inputs) ? inputs : {};
  if (Symbol.iterator in samples) return samples as Iterable<MeasureInput>;
  throw invalidType('inputs', 'an array or another iterable of inputs', inputs);
}

function run(instance: Instance, name: string, input: MeasureInput, call: { fuel?: bigint }): Promise<unknown> {
  if (typeof input === 'string' || input instanceof Uint8Array) return instance.call(name, input, call);
  return instance.invoke(name, input, call);
}

function summary(used: bigint[], failures: readonly AingleWasmError[]): FuelMeasurement {
  const sorted = used.sort((a, b) => (a < b ? -1 : Number(a > b)));
  return Object.freeze({
    count: used.length + failures.length,
    failed: failures.length,
    failures: countByCode(failures),
    min: sorted[0]!,
    p50: percentile(sorted, 50),
    p99: percentile(sorted, 99),
    max: sorted.at(-1)!,
  });
}

/** The smallest value that `percent` of all values do not pass (nearest rank): always one that was measured. */
function percentile(sorted: readonly bigint[], percent: number): bigint {
  return sorted[Math.ceil((percent * sorted.length) / 100) - 1]!;
}

function countByCode(failures: readonly AingleWasmError[]): FuelMeasurement['failures'] {
  const counts: { [code in ErrorCode]?: number } = Object.create(null);
  for (const { code } of failures) counts[code] = (counts[code] ?? 0) + 1;
  return Object.freeze(counts);
}
