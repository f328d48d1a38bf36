// Judges outcomes against the exclusions, both ways, and counts them.
import type { Command, Exclusion } from './script';
import type { Outcome } from './stage';

export interface Tally {
  passed: number;
  /** Excused by a row, or dependent on what was. */
  excluded: number;
  /** Needs bits or types that JavaScript values do not have. */
  uncarried: number;
  /** `file:line: what`. */
  readonly problems: string[];
}

export function emptyTally(): Tally {
  return { passed: 0, excluded: 0, uncarried: 0, problems: [] };
}

/** Enters an outcome; `rows` are those of the script that is run. */
export function judge(tally: Tally, command: Command, outcome: Outcome, rows: readonly Exclusion[]): void {
  const reasons = rows
    .filter(({ first, last }) => first <= command.line && command.line <= last)
    .map((row) => row.reason);
  const problem = problemOf(outcome, reasons);
  if (problem !== undefined) tally.problems.push(`${command.line}: ${problem}`);
  else if (outcome.kind === 'passed') tally.passed++;
  else if (outcome.kind === 'uncarried') tally.uncarried++;
  else tally.excluded++;
}

function problemOf(outcome: Outcome, reasons: readonly Exclusion['reason'][]): string | undefined {
  switch (outcome.kind) {
    case 'passed':
      return reasons.length === 0 ? undefined : `excluded for ${reasons[0]} and passes`;
    case 'unable':
      return reasons.includes(outcome.reason) ? undefined : `cannot be done: ${outcome.reason}`;
    case 'failed':
      // It may see that an excused command before it did not happen.
      return reasons.length > 0 ? undefined : outcome.what;
    default:
      return undefined;
  }
}
