import { nearestRank } from '../../base/nearest-rank.ts';
import { type Distribution, pooled } from './distribution.ts';
import type { RoundValue } from './statistics.ts';

/** What one contender's measure said in one round. */
export interface Sample {
  /** `oltp_insert`, `planned transfer`. */
  readonly measure: string;
  /** What a measure is repeated for, such as the number of threads; 0 where there is nothing to vary. */
  readonly x: number;
  /** By the names in `metricFormats`. */
  readonly metrics: Readonly<Partial<Record<Metric, number>>>;
  /** Of which the median and the 99th percentile are told: latencies, write gaps. In milliseconds. */
  readonly distribution: Distribution;
}

/** Everything a measure may say besides its distribution. A new one gets a name here and a line in `metricFormats`. */
export const metricNames = [
  'throughput',
  'sustained',
  'catchUpMs',
  'ignoredErrors',
  'dipPercent',
  'megabytesPerSecond',
  'startMs',
  'memoryMiB',
  'memoryRiseMiB',
  'cpuMicroseconds',
  'diskKiB',
  'writtenKiB',
] as const;
export type Metric = (typeof metricNames)[number];

/** How a metric is shown. */
export interface MetricFormat {
  readonly title: string;
  readonly unit: string;
  readonly digits: number;
}

export const metricFormats: Readonly<Record<Metric, MetricFormat>> = {
  throughput: { title: 'throughput', unit: '/s', digits: 0 },
  /** Transactions by the time until every follower had applied them: work put off is work all the same. */
  sustained: { title: 'with catch-up', unit: '/s', digits: 0 },
  /** From the end of a load to all followers having applied all of it. */
  catchUpMs: { title: 'followers behind', unit: 'ms', digits: 0 },
  /** Deadlocks and lock waits, which the load generator tries again. */
  ignoredErrors: { title: 'deadlocks', unit: '', digits: 0 },
  /** How much less is written in the second around an event. */
  dipPercent: { title: 'dip', unit: '%', digits: 1 },
  /** Of payload, in millions of bytes. */
  megabytesPerSecond: { title: 'payload', unit: 'MB/s', digits: 1 },
  /** From the start of a process to the moment it listens to clients. */
  startMs: { title: 'start', unit: 'ms', digits: 0 },
  /** Private memory of the member that has most, at its highest. */
  memoryMiB: { title: 'memory', unit: 'MiB', digits: 0 },
  /** The same, above what it was before the load. */
  memoryRiseMiB: { title: 'memory above idle', unit: 'MiB', digits: 0 },
  /** Processor time of all members, without the client: what else the machine does hardly changes it. */
  cpuMicroseconds: { title: 'CPU of members', unit: 'µs each', digits: 0 },
  /** Sent to the disk by all members, in whole pages. */
  diskKiB: { title: 'disk', unit: 'KiB each', digits: 1 },
  /** Written to files and sockets by all members. */
  writtenKiB: { title: 'written', unit: 'KiB each', digits: 1 },
};

/** A sample with whose and when. */
export interface TurnSample extends Sample {
  readonly contender: string;
  readonly round: number;
}

/** One number of a sample: a metric, or a quantile of its distribution. */
export type Statistic =
  | { readonly kind: 'metric'; readonly name: Metric }
  | { readonly kind: 'quantile'; readonly share: number };

export const p50: Statistic = { kind: 'quantile', share: 0.5 };
export const p99: Statistic = { kind: 'quantile', share: 0.99 };

export function metric(name: Metric): Statistic {
  return { kind: 'metric', name };
}

/** Which samples: those of one contender, one measure, one x. */
export interface Series {
  readonly contender: string;
  readonly measure: string;
  readonly x: number;
}

/** Null where a sample does not have it. */
export function statisticOf(sample: Sample, statistic: Statistic): number | null {
  switch (statistic.kind) {
    case 'metric':
      return sample.metrics[statistic.name] ?? null;
    case 'quantile':
      return nearestRank(sample.distribution, statistic.share);
  }
}

export function samplesOf(samples: readonly TurnSample[], series: Series): readonly TurnSample[] {
  return samples.filter(
    (sample) =>
      sample.contender === series.contender &&
      sample.measure === series.measure &&
      sample.x === series.x,
  );
}

export function roundValues(
  samples: readonly TurnSample[],
  series: Series,
  statistic: Statistic,
): readonly RoundValue[] {
  return samplesOf(samples, series).flatMap((sample) => {
    const value = statisticOf(sample, statistic);
    return value === null ? [] : [{ round: sample.round, value }];
  });
}

/** The distributions of all rounds as one. */
export function pooledDistribution(samples: readonly TurnSample[], series: Series): Distribution {
  return pooled(samplesOf(samples, series).map(({ distribution }) => distribution));
}
