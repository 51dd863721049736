import { assertNever } from '../../base/assert.ts';

/** What a database can promise about transactions, strongest first. */
export const consistencyLevels = [
  'strict-serializable',
  'serializable',
  'snapshot-isolation',
  'repeatable-read',
  'read-committed',
] as const;

/** The levels as Adya defines them, not as a database calls its own: MySQL's REPEATABLE READ is weaker than `repeatable-read`. */
export type Consistency = (typeof consistencyLevels)[number];

/** Everything this model can find, worst first: the order in which anomalies are reported. */
export const anomalyNames = [
  'garbage-read',
  'duplicate-elements',
  'incompatible-order',
  'internal',
  'future-read',
  'G1a',
  'dirty-update',
  'G1b',
  'G0',
  'G1c',
  'lost-update',
  'G-single',
  'G-nonadjacent',
  'G2-item',
  'G0-realtime',
  'G1c-realtime',
  'G-single-realtime',
  'G-nonadjacent-realtime',
  'G2-item-realtime',
] as const;

export type AnomalyName = (typeof anomalyNames)[number];

/**
 * Where the levels differ. What is not named here all of them forbid: reads of what was aborted, intermediate or never written,
 * orders that contradict each other, and cycles of `ww` and `wr` (Adya, *Weak Consistency*, 1999: PL-2).
 */
export interface ConsistencyRules {
  /**
   * Cycles with anti-dependencies (`rw`) that are forbidden. `apart`: those in which no two stand side by side, which is exactly
   * what snapshot isolation excludes (Cerone & Gotsman, *Analysing Snapshot Isolation*, PODC 2016).
   */
  readonly antiDependencies: 'none' | 'apart' | 'any';
  /** A key reads the same throughout a transaction, but for its own appends; and of two that update what both read, one fails. */
  readonly stableReads: boolean;
  /** A transaction that ended before another began comes before it. */
  readonly realTime: boolean;
}

/**
 * Adya's PL-2.99 (`repeatable-read`) forgives PL-3 only anti-dependencies of predicates. Lists have no predicates, so
 * `repeatable-read` and `serializable` forbid the same here.
 */
export function rulesOf(consistency: Consistency): ConsistencyRules {
  switch (consistency) {
    case 'strict-serializable':
      return { antiDependencies: 'any', stableReads: true, realTime: true };
    case 'serializable':
    case 'repeatable-read':
      return { antiDependencies: 'any', stableReads: true, realTime: false };
    case 'snapshot-isolation':
      return { antiDependencies: 'apart', stableReads: true, realTime: false };
    case 'read-committed':
      return { antiDependencies: 'none', stableReads: false, realTime: false };
    default:
      return assertNever(consistency);
  }
}
