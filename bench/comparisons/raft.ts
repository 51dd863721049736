import type { Bar, BarSubject } from '../core/bars.ts';
import { metric, p50, type Statistic } from '../core/sample.ts';
import { putMeasure, putTurn, warmUp } from '../put-turn.ts';
import { startEtcd } from '../systems/etcd.ts';
import { startPutHops } from '../systems/hops.ts';
import type { StartPutSystem } from '../systems/put-system.ts';
import { startRaftGroup } from '../systems/raft-group.ts';
import type { Comparison, ComparisonOptions, Contender } from './comparison.ts';

const ours = 'binraft-raft';
const etcd = 'etcd';
/** What a put waits for is best seen when nobody else waits. */
const oneClient = 1;
const valueBytes = 512;
const hops = 'node-hops';
const hopsTitle =
  'limit: three processes of Node that sync and pass on the bytes of a put, no Raft';
/** Starting members, an election, warming up. */
const overheadSeconds = 6;

/** The log without a database: appending on three members, against the one that others build upon. */
export function raftComparison(options: ComparisonOptions): Comparison {
  const { clients, seconds } = options;
  const contender = (
    name: string,
    title: string,
    start: StartPutSystem,
    loads: readonly number[] = clients,
  ): Contender => ({
    name,
    title,
    isOurs: name === ours,
    isLimit: name === hops,
    turnSeconds: overheadSeconds + loads.length * seconds,
    run: (turn) => putTurn(turn, start, { clients: loads, seconds, valueBytes, warmUp }),
  });
  return {
    name: 'raft',
    title: `puts of ${valueBytes} bytes through a quorum of three on one machine, without MySQL`,
    tools: ['etcd'],
    contenders: [
      contender(ours, 'Raft of this project, 3 members, puts appended to the log', (turn) =>
        startRaftGroup(turn),
      ),
      contender(etcd, 'etcd, 3 members, everything by default', startEtcd),
      ...(clients.includes(oneClient)
        ? [contender(hops, hopsTitle, startPutHops, [oneClient])]
        : []),
    ],
    bars: raftBars(),
    charts: [
      {
        kind: 'throughput',
        name: 'throughput',
        title: `puts of ${valueBytes} bytes: throughput`,
        measure: putMeasure,
      },
      ...clients.map((x) => ({
        kind: 'distribution' as const,
        name: `latency-${x}`,
        title: `puts of ${valueBytes} bytes, ${x} ${x === 1 ? 'client' : 'clients'}: latency`,
        curves: [{ measure: putMeasure, x }],
      })),
    ],
    table: { x: 'clients', distribution: 'latency', ratioOf: metric('throughput') },
  };
}

function raftBars(): readonly Bar[] {
  return [
    {
      title: 'raft alone, put latency p50, 1 client, to etcd',
      subject: toEtcd(p50, 1),
      limit: { kind: 'at most', value: 0.75 },
      unit: '',
    },
    ...[16, 64, 256].map(
      (x): Bar => ({
        title: `raft alone, put throughput, ${x} clients, to etcd`,
        subject: toEtcd(metric('throughput'), x),
        limit: { kind: 'at least', value: 1 },
        unit: '',
      }),
    ),
  ];
}

function toEtcd(statistic: Statistic, x: number): BarSubject {
  const at = { measure: putMeasure, x };
  return {
    kind: 'ratio',
    statistic,
    ours: { ...at, contender: ours },
    theirs: { ...at, contender: etcd },
  };
}
