// What a group of the price list is, and what measuring it gives.
import type { BackendKind, Engine } from 'aingle-wasm';
import type { Subject } from './measure';

/** A backend that runs here, with an engine whose limits are out of the way. */
export interface Contender {
  readonly kind: BackendKind;
  readonly engine: Engine;
}

/** An upper bound: as a ratio to the peer, or in nanoseconds where the time itself is the point. */
export type Target = { readonly ratio: number } | { readonly ns: number };

/** One line of the list: the same work by several subjects. */
export interface Row {
  readonly what: string;
  readonly subjects: readonly Subject[];
  readonly targets?: Partial<Record<string, Target>>;
  /** Bytes that one time of the work goes through; prices are then speeds. */
  readonly bytes?: number;
}

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

/** A measured row: nanoseconds by subject. */
export interface Price {
  readonly what: string;
  readonly ns: Readonly<Record<string, number>>;
  readonly targets: Partial<Record<string, Target>>;
  readonly bytes?: number;
}

export interface Chapter {
  readonly name: string;
  readonly about: string;
  readonly peer: string;
  readonly overall?: Group['overall'];
  readonly prices: readonly Price[];
}
