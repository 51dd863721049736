import { nearestRank } from '../../base/nearest-rank.ts';
import {
  pooledDistribution,
  roundValues,
  type Series,
  type Statistic,
  type TurnSample,
} from './sample.ts';
import { pairByRound, type Spread, spreadOf } from './statistics.ts';

/** What one number must be, in words and as a rule. */
export interface Bar {
  /** As a person says it: `insert throughput, 16 threads, against semi-sync of equal durability`. */
  readonly title: string;
  readonly subject: BarSubject;
  readonly limit: { readonly kind: 'at least' | 'at most'; readonly value: number };
  /** Behind numbers; empty for ratios. */
  readonly unit: '' | 'ms' | '%' | 'MiB';
}

/**
 * What a bar is about. `ratio` and `difference` compare two contenders round by round, and the median of the rounds counts.
 * `pooled` takes a quantile over the values of all rounds, for what is rare in each. `worst` and `median` are over rounds.
 */
export type BarSubject =
  | {
      readonly kind: 'ratio' | 'difference';
      readonly statistic: Statistic;
      readonly ours: Series;
      readonly theirs: Series;
    }
  | { readonly kind: 'pooled'; readonly share: number; readonly ours: Series }
  | { readonly kind: 'worst' | 'median'; readonly statistic: Statistic; readonly ours: Series };

export interface Verdict {
  readonly bar: Bar;
  readonly outcome: 'met' | 'missed' | 'not measured';
  /** Null when not measured. */
  readonly value: Spread | null;
  /** Over how many rounds, or values. */
  readonly count: number;
}

/** Judges every bar by what was measured; one whose contender did not run is `not measured`, never met. */
export function judge(bars: readonly Bar[], samples: readonly TurnSample[]): readonly Verdict[] {
  return bars.map((bar) => {
    const values = valuesOf(bar.subject, samples);
    const value = spreadOf(values);
    if (value === null) return { bar, outcome: 'not measured', value, count: 0 };
    const deciding = bar.subject.kind === 'worst' ? worst(bar, value) : value.median;
    const isMet = isWithin(deciding, bar.limit);
    const count =
      bar.subject.kind === 'pooled' ? pooledCount(bar.subject.ours, samples) : values.length;
    return { bar, outcome: isMet ? 'met' : 'missed', value: { ...value, median: deciding }, count };
  });
}

function valuesOf(subject: BarSubject, samples: readonly TurnSample[]): readonly number[] {
  switch (subject.kind) {
    case 'ratio':
    case 'difference': {
      const ours = roundValues(samples, subject.ours, subject.statistic);
      const theirs = roundValues(samples, subject.theirs, subject.statistic);
      const isRatio = subject.kind === 'ratio';
      return pairByRound(ours, theirs, (our, their) => (isRatio ? our / their : our - their));
    }
    case 'pooled': {
      const value = nearestRank(pooledDistribution(samples, subject.ours), subject.share);
      return value === null ? [] : [value];
    }
    case 'worst':
    case 'median':
      return roundValues(samples, subject.ours, subject.statistic).map(({ value }) => value);
  }
}

function pooledCount(series: Series, samples: readonly TurnSample[]): number {
  return pooledDistribution(samples, series).reduce((sum, [, count]) => sum + count, 0);
}

function worst(bar: Bar, value: Spread): number {
  return bar.limit.kind === 'at most' ? value.max : value.min;
}

function isWithin(value: number, limit: Bar['limit']): boolean {
  return limit.kind === 'at most' ? value <= limit.value : value >= limit.value;
}
