import { nearestRank } from './nearest-rank.ts';

/** What a histogram of durations had counted at one moment, as plain data. Buckets that are empty are left out. */
export interface HistogramSnapshot {
  readonly count: number;
  readonly sumUs: number;
  /** Ascending: the microsecond that a bucket ends before, and how many durations are in it. */
  readonly buckets: readonly (readonly [endUs: number, count: number])[];
}

/**
 * The duration that this share of all did not exceed, by the end of its bucket: never too small, and too large by at most a sixteenth and
 * a microsecond. Null when nothing was counted.
 */
export function quantileUs({ buckets }: HistogramSnapshot, share: number): number | null {
  return nearestRank(buckets, share);
}

/** How many were shorter than this; exact where a bucket ends, as at every power of two. */
export function countBelow(snapshot: HistogramSnapshot, us: number): number {
  let below = 0;
  for (const [endUs, count] of snapshot.buckets) {
    if (endUs > us) break;
    below += count;
  }
  return below;
}

/** What was counted between two snapshots of one histogram. */
export function countedBetween(
  before: HistogramSnapshot,
  after: HistogramSnapshot,
): HistogramSnapshot {
  const earlier = new Map(before.buckets);
  const buckets = after.buckets
    .map(([endUs, count]): [number, number] => [endUs, count - (earlier.get(endUs) ?? 0)])
    .filter(([, count]) => count > 0);
  return {
    count: buckets.reduce((sum, [, count]) => sum + count, 0),
    sumUs: Math.max(0, after.sumUs - before.sumUs),
    buckets,
  };
}
