import type { Anomaly } from '../../../history/verdict.ts';

/** One thing a run must show, and whether it did. */
export interface Check {
  readonly group: 'history' | 'convergence' | 'non-vacuity' | 'clients';
  readonly name: string;
  readonly outcome: 'held' | 'violated' | 'undecided';
  /** In a line, for the table. */
  readonly summary: string;
  readonly counts: Readonly<Record<string, number>>;
  /** Everything that is wrong, in words. */
  readonly violations: readonly string[];
  /** As the checker found them, with their operations. */
  readonly anomalies: readonly Anomaly[];
}

export function simpleCheck(
  given: Pick<Check, 'group' | 'name' | 'summary' | 'violations'> & Pick<Partial<Check>, 'counts'>,
): Check {
  const outcome = given.violations.length === 0 ? 'held' : 'violated';
  return { counts: {}, ...given, outcome, anomalies: [] };
}

/** A run is sound when every check held: undecided is not held. */
export function isSound(checks: readonly Check[]): boolean {
  return checks.length > 0 && checks.every(({ outcome }) => outcome === 'held');
}
