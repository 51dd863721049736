import type { Bar } from '../core/bars.ts';
import { metric, p50 } from '../core/sample.ts';
import { type FailoverMeasure, failoverMeasures, failoverTurn } from '../failover-turn.ts';
import type { Comparison, ComparisonOptions } from './comparison.ts';

const ours = 'binraft';
const startSeconds = 12;
/** One fault of each kind, with the return of the node that was hit; the loss of a follower takes longer, and is seldomer. */
const secondsPerFault = 9.2;
const followerSeconds = 35;

/** How long nobody can write when a server goes away. */
export function failoverComparison(options: ComparisonOptions): Comparison {
  const times = Math.ceil(options.faults / options.rounds);
  return {
    name: 'failover',
    title: 'write gaps: from the last write acknowledged before a fault to the first one after it',
    tools: [],
    contenders: [
      {
        name: ours,
        title: 'binraft, 3 nodes; 4 sessions write, 32 more are idle during planned transfers',
        isOurs: true,
        turnSeconds: startSeconds + times * secondsPerFault + followerSeconds,
        run: (turn) => failoverTurn(turn, times),
      },
    ],
    bars: [
      ...gapBars('leader killed', { p50: 1000, p99: 2000 }),
      ...gapBars('mysqld killed', { p50: 600 }),
      ...gapBars('planned transfer', { p50: 100, p99: 300 }),
      {
        title: 'follower killed: dip of throughput over the second around it',
        subject: {
          kind: 'median',
          statistic: metric('dipPercent'),
          ours: { contender: ours, measure: 'follower killed', x: 0 },
        },
        limit: { kind: 'at most', value: 10 },
        unit: '%',
      },
    ],
    charts: [
      {
        kind: 'distribution',
        name: 'write-gap',
        title: 'write gaps',
        curves: failoverMeasures.map((measure) => ({ measure, x: 0 })),
      },
    ],
    table: { x: '', distribution: 'write gap', ratioOf: p50 },
  };
}

function gapBars(
  measure: FailoverMeasure,
  limits: { readonly p50: number; readonly p99?: number },
): readonly Bar[] {
  const shares = { p50: 0.5, p99: 0.99 };
  return (['p50', 'p99'] as const).flatMap((name): Bar[] => {
    const value = limits[name];
    if (value === undefined) return [];
    return [
      {
        title: `${measure}: write gap ${name}`,
        subject: {
          kind: 'pooled',
          share: shares[name],
          ours: { contender: ours, measure, x: 0 },
        },
        limit: { kind: 'at most', value },
        unit: 'ms',
      },
    ];
  });
}
