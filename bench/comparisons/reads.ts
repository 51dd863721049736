import type { Bar, BarSubject } from '../core/bars.ts';
import { metric, p50, type Statistic } from '../core/sample.ts';
import { type LoadPlan, loadTurn } from '../load-turn.ts';
import { startBinraft } from '../systems/binraft.ts';
import { startBehind } from '../systems/front-ends.ts';
import { startSingle } from '../systems/single.ts';
import type { StartSystem } from '../systems/system.ts';
import type { Comparison, ComparisonOptions, Contender } from './comparison.ts';

const pointSelect = 'oltp_point_select';
/** Starting servers, making tables. */
const overheadSeconds = 4.3;
const warmUpSeconds = 2;
const lease = 'binraft-lease';
const readIndex = 'binraft-read-index';
const followers = 'binraft-followers';
const pass = 'node-pass';
const passTitle = 'limit: one MySQL behind some lines of Node that pass bytes and look at nothing';

/** Reading one row, through our ports, through other proxies, and without any. */
export function readsComparison(options: ComparisonOptions): Comparison {
  const plan: LoadPlan = {
    ...options,
    tests: [pointSelect],
    warmUpSeconds,
    awaitsFollowers: false,
  };
  const contender = (
    name: string,
    title: string,
    start: StartSystem,
    threads = options.threads,
  ): Contender => ({
    name,
    title,
    isOurs: name.startsWith('binraft'),
    isLimit: name === pass,
    turnSeconds: overheadSeconds + warmUpSeconds + threads.length * (options.seconds + 0.5),
    run: (turn) => loadTurn(turn, start, { ...plan, threads }),
  });
  const many = options.threads.filter((threads) => threads > 1);
  return {
    name: 'reads',
    title: 'point selects, directly and through proxies',
    tools: ['sysbench', 'haproxy', 'mysqlrouter'],
    contenders: [
      contender(lease, 'read-write port of the leader, reads confirmed by lease', (turn) =>
        startBinraft(turn, { nodes: 3, reads: 'lease', load: 'writes' }),
      ),
      contender(
        readIndex,
        'read-write port of the leader, each read confirmed by a quorum',
        (turn) => startBinraft(turn, { nodes: 3, reads: 'read-index', load: 'writes' }),
      ),
      contender(followers, 'read-only ports of both followers, half of the sessions each', (turn) =>
        startBinraft(turn, { nodes: 3, reads: 'read-index', load: 'follower reads' }),
      ),
      contender('direct', 'one MySQL without replication, no proxy', startSingle),
      contender('haproxy', 'one MySQL behind HAProxy', (turn) => startBehind(turn, 'haproxy')),
      contender('mysql-router', 'one MySQL behind MySQL Router', (turn) =>
        startBehind(turn, 'mysqlrouter'),
      ),
      ...(many.length === 0
        ? []
        : [contender(pass, passTitle, (turn) => startBehind(turn, 'node'), many)]),
    ],
    bars: readBars(),
    charts: [
      {
        kind: 'throughput',
        name: 'throughput',
        title: `${pointSelect}: throughput`,
        measure: pointSelect,
      },
      ...options.threads.map((x) => ({
        kind: 'distribution' as const,
        name: `latency-${x}`,
        title: `${pointSelect}, ${x} ${x === 1 ? 'thread' : 'threads'}: latency`,
        curves: [{ measure: pointSelect, x }],
      })),
    ],
    table: { x: 'threads', distribution: 'latency', ratioOf: metric('throughput') },
  };
}

function readBars(): readonly Bar[] {
  const many = [16, 64];
  return [
    ...many.map((x) => throughputBar({ ours: lease, theirs: 'mysql-router', x, value: 1 })),
    ...many.map((x) => throughputBar({ ours: lease, theirs: 'haproxy', x, value: 1 })),
    ...many.map((x) => throughputBar({ ours: lease, theirs: 'direct', x, value: 0.5 })),
    throughputBar({ ours: readIndex, theirs: 'direct', x: 64, value: 0.4 }),
    {
      title: `${readIndex}, 1 thread: p50 above direct`,
      subject: { ...between(readIndex, 'direct', { x: 1, statistic: p50 }), kind: 'difference' },
      limit: { kind: 'at most', value: 0.6 },
      unit: 'ms',
    },
    ...many.map((x) => throughputBar({ ours: followers, theirs: 'direct', x, value: 0.8 })),
  ];
}

function throughputBar(bar: {
  readonly ours: string;
  readonly theirs: string;
  readonly x: number;
  readonly value: number;
}): Bar {
  return {
    title: `${bar.ours}, ${bar.x} threads: throughput to ${bar.theirs}`,
    subject: between(bar.ours, bar.theirs, { x: bar.x, statistic: metric('throughput') }),
    limit: { kind: 'at least', value: bar.value },
    unit: '',
  };
}

function between(
  ours: string,
  theirs: string,
  at: { readonly x: number; readonly statistic: Statistic },
): Extract<BarSubject, { kind: 'ratio' | 'difference' }> {
  const { x, statistic } = at;
  return {
    kind: 'ratio',
    statistic,
    ours: { contender: ours, measure: pointSelect, x },
    theirs: { contender: theirs, measure: pointSelect, x },
  };
}
