import type { Bar, BarSubject } from '../core/bars.ts';
import { metric, p50, type Series, type Statistic } from '../core/sample.ts';
import { type LoadPlan, loadTurn } from '../load-turn.ts';
import type { SysbenchTest } from '../sysbench.ts';
import { startBinraft } from '../systems/binraft.ts';
import { startGroupReplication } from '../systems/group-replication.ts';
import { startCommitHops } from '../systems/hops.ts';
import { startSemisync } from '../systems/semisync.ts';
import { startSingle } from '../systems/single.ts';
import type { StartSystem } from '../systems/system.ts';
import type { Comparison, ComparisonOptions, Contender } from './comparison.ts';

const tests = ['oltp_insert', 'oltp_update_non_index', 'oltp_read_write'] as const;
const insert = 'oltp_insert';
const ours = 'binraft';
const hops = 'node-hops';
const hopsTitle =
  'limit: one MySQL, acknowledged when two of three processes of Node have synced its binlog; no Raft, proxy or replica';
/** Starting servers, making tables. */
const overheadSeconds = 5;
const warmUpSeconds = 3;

/** Writing through a quorum, against what else MySQL offers, and against no replication at all. */
export function commitComparison(options: ComparisonOptions): Comparison {
  const plan: LoadPlan = { ...options, tests, warmUpSeconds, awaitsFollowers: true };
  const contender = (
    name: string,
    title: string,
    start: StartSystem,
    own: Partial<LoadPlan> = {},
  ): Contender => {
    const load = { ...plan, ...own };
    const loads = load.tests.length * load.threads.length;
    return {
      name,
      title,
      isOurs: name === ours,
      isLimit: name === hops,
      turnSeconds: overheadSeconds + warmUpSeconds + loads * (load.seconds + 0.5),
      run: (turn) => loadTurn(turn, start, load),
    };
  };
  const alone: Partial<LoadPlan> = { tests: [insert], threads: [1] };
  return {
    name: 'commit',
    title: 'commits of small transactions, three nodes on one machine',
    tools: ['sysbench'],
    contenders: [
      contender(ours, 'binraft, 3 nodes, read-write port of the leader', (turn) =>
        startBinraft(turn, { nodes: 3, reads: 'read-index', load: 'writes' }),
      ),
      contender('semisync-durable', 'lossless semi-sync, 2 replicas, sync_relay_log=1', (turn) =>
        startSemisync(turn, true),
      ),
      contender('semisync', 'lossless semi-sync, 2 replicas, relay log not synced', (turn) =>
        startSemisync(turn, false),
      ),
      contender('group-replication', 'Group Replication, 3 members, single primary', (turn) =>
        startGroupReplication(turn),
      ),
      contender('single', 'one MySQL without replication', startSingle),
      ...(options.threads.includes(1) ? [contender(hops, hopsTitle, startCommitHops, alone)] : []),
    ],
    bars: commitBars(),
    charts: [
      ...tests.map((test) => ({
        kind: 'throughput' as const,
        name: `${nameOf(test)}-throughput`,
        title: `${test}: throughput`,
        measure: test,
      })),
      ...options.threads.map((x) => ({
        kind: 'distribution' as const,
        name: `insert-latency-${x}`,
        title: `${insert}, ${x} ${x === 1 ? 'thread' : 'threads'}: latency`,
        curves: [{ measure: insert, x }],
      })),
    ],
    table: { x: 'threads', distribution: 'latency', ratioOf: metric('throughput') },
  };
}

/** What this project promises of itself. Threads that were not measured leave their bars unmeasured. */
function commitBars(): readonly Bar[] {
  const equal = ['semisync-durable', 'semi-sync of equal durability'] as const;
  const group = ['group-replication', 'Group Replication'] as const;
  const relaxed = ['semisync', 'semi-sync with default relay log'] as const;
  return [
    latencyBar(equal, 0.55),
    latencyBar(group, 0.8),
    ...throughputBars(equal, insert, { 1: 1.6, 16: 2, 64: 2 }),
    ...throughputBars(group, insert, { 1: 1.2, 16: 1.5, 64: 1.25 }),
    ...throughputBars(relaxed, insert, { 1: 0.85, 16: 1.25, 64: 1.1 }),
    ...throughputBars(group, 'oltp_read_write', { 16: 1.1, 64: 1.1 }),
    ...[1, 16, 64].map(
      (x): Bar => ({
        title: `followers after the insert run, ${x} ${x === 1 ? 'thread' : 'threads'}: caught up`,
        subject: {
          kind: 'worst',
          statistic: metric('catchUpMs'),
          ours: { contender: ours, measure: insert, x },
        },
        limit: { kind: 'at most', value: 1000 },
        unit: 'ms',
      }),
    ),
  ];
}

type Peer = readonly [name: string, title: string];

function latencyBar([name, title]: Peer, value: number): Bar {
  return {
    title: `insert latency p50, 1 thread, to ${title}`,
    subject: ratio(p50, name, { measure: insert, x: 1 }),
    limit: { kind: 'at most', value },
    unit: '',
  };
}

function throughputBars(
  [name, title]: Peer,
  measure: SysbenchTest,
  limits: Readonly<Record<number, number>>,
): readonly Bar[] {
  return Object.entries(limits).map(([threads, value]) => ({
    title: `${measure} throughput, ${threads} ${threads === '1' ? 'thread' : 'threads'}, to ${title}`,
    subject: ratio(metric('throughput'), name, { measure, x: Number(threads) }),
    limit: { kind: 'at least', value },
    unit: '',
  }));
}

function ratio(statistic: Statistic, peer: string, at: Omit<Series, 'contender'>): BarSubject {
  return {
    kind: 'ratio',
    statistic,
    ours: { ...at, contender: ours },
    theirs: { ...at, contender: peer },
  };
}

function nameOf(test: SysbenchTest): string {
  return test.replace('oltp_', '').replaceAll('_', '-');
}
