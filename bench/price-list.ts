// What a group of the price list is, and what measuring it gives.
import type { BackendKind, Engine } from 'aingle-wasm';
import type { Subject } from './measure';

/** A backend that runs here, with an engine whose limits are out of the way. */
export interface Contender {
  readonly kind: BackendKind;
  readonly engine: Engine;
}

/** What a price is counted in. Of speeds and factors more is better, of everything else less. */
export type Unit = 'ns' | 'B' | 'MB/s' | '×';

/** What is aimed at: a ratio to the peer, or a value in the row's unit where the value itself is the point. */
export type Target = { readonly ratio: number } | { readonly value: number };

/** One line of the list: the same work by several subjects, timed. */
export interface TimedRow {
  readonly what: string;
  readonly subjects: readonly Subject[];
  readonly targets?: Partial<Record<string, Target>>;
  /** Bytes that one time of the work goes through; prices are then speeds. */
  readonly bytes?: number;
}

/** One line of the list that each subject counts by itself, once. */
export interface CountedRow {
  readonly what: string;
  readonly unit: Unit;
  readonly counts: readonly { readonly name: string; count(quick: boolean): Promise<number> }[];
  readonly targets?: Partial<Record<string, Target>>;
}

export type Row = TimedRow | CountedRow;

/** A chapter of the list. */
export interface Group {
  readonly name: string;
  /** What is measured and how, in a sentence or two. */
  readonly about: string;
  /** The subject that others are compared with; the first column. */
  readonly peer: string;
  /** Targets of the mean and the worst of all ratios; with it, both are shown as rows. */
  readonly overall?: Partial<Record<string, { readonly mean: number; readonly worst: number }>>;
  rows(contenders: readonly Contender[]): Promise<Row[]>;
}

/** A measured row. */
export interface Price {
  readonly what: string;
  readonly unit: Unit;
  /** By subject. */
  readonly values: Readonly<Record<string, number>>;
  readonly targets: Partial<Record<string, Target>>;
}

export interface Chapter {
  readonly name: string;
  readonly about: string;
  readonly peer: string;
  readonly overall?: Group['overall'];
  readonly prices: readonly Price[];
}
