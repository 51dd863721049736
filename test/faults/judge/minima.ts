import type { WindowKind } from './fault-windows.ts';

// What a run must at least show to say anything (HAZARDS C11).

/** Rates are operations per second that ended well. */
export interface Minima {
  /** Before the first fault and after the last. */
  readonly calmPerSecond: number;
  /** Right before a fault that is not the first, and after each. */
  readonly betweenPerSecond: number;
  /** While a fault lasts, where a majority is whole. */
  readonly duringPerSecond: number;
  /** Of these rates, what must be acknowledged writes: reads of the read-only port go on without a leader. */
  readonly writeShare: number;
  /** Of all operations that ended in the run. */
  readonly okShare: number;
  /** Of the rate that a workload was asked for, over the whole run. */
  readonly workloadShare: number;
}

/** Shares of the rate that was asked for: a loaded machine is slow, and a cluster that stands still is far below. */
export function minimaFor(ratePerSecond: number): Minima {
  return {
    calmPerSecond: ratePerSecond * 0.15,
    betweenPerSecond: ratePerSecond * 0.1,
    duringPerSecond: ratePerSecond * 0.05,
    writeShare: 0.2,
    okShare: 0.6,
    workloadShare: 0.03,
  };
}

export function rateMinimum(minima: Minima, kind: WindowKind): number {
  if (kind === 'calm') return minima.calmPerSecond;
  return kind === 'during' ? minima.duringPerSecond : minima.betweenPerSecond;
}
