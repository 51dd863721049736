import type { Operation } from './history.ts';

/** One thing that cannot have happened, with the smallest part of the history that shows it. */
export interface Anomaly {
  /** As the literature names it: `G-single`, `lost-update`, `nonlinearizable`, `wrong-total`, … */
  readonly name: string;
  /** For a person: what was seen, and why no correct system shows it. */
  readonly explanation: string;
  /** The operations it takes to show it, in an order that tells the story. */
  readonly operations: readonly Operation[];
  /** For a cycle: why each operation comes before the next, `operations.length` of them. Empty otherwise. */
  readonly steps: readonly string[];
}

/** What a checker says of a history. */
export type Verdict =
  | { readonly kind: 'valid'; readonly counts: ReadonlyMap<string, number> }
  | {
      readonly kind: 'invalid';
      readonly anomalies: readonly Anomaly[];
      readonly counts: ReadonlyMap<string, number>;
    }
  /** It would take more memory or steps than allowed: neither yes nor no. */
  | { readonly kind: 'undecided'; readonly reason: string };

/** A model judges a whole history. Pure: neither clock nor luck; bounded by the limits it is given. */
export interface Model {
  readonly name: string;
  /** What a fault in the values is, as an error naming the line: an operation this model does not know. */
  check(operations: readonly Operation[], limits: CheckLimits): Verdict;
}

export interface CheckLimits {
  /** Past it a search gives up with `undecided`. */
  readonly memoryBytesMax: number;
  readonly stepsMax: number;
}
