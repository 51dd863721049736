import type { Bar } from '../core/bars.ts';
import { metric } from '../core/sample.ts';
import { grownMeasure, grownTurn, grownWarmUp, payloadSizes, payloadTurn } from '../growth-turn.ts';
import { type LoadPlan, loadTurn } from '../load-turn.ts';
import { startBinraft } from '../systems/binraft.ts';
import type { Comparison, ComparisonOptions, Contender } from './comparison.ts';

const entries = 1_000_000;
const valueBytes = 512;
const insert = 'oltp_insert';
const insertThreads = 16;
/** Starting members, an election, warming up; */
const overheadSeconds = 5;
/** the same three times, warming up but once. */
const startsSeconds = 9;
const fillSeconds = 12;
/** A put that is begun is waited for. */
const largestSeconds = 2;
/** Starting MySQL with each node, making tables. */
const clusterSeconds = { 3: 13, 5: 17 } as const;
const warmUpSeconds = 2;

const [grown, empty, payloads] = ['raft-million', 'raft-empty', 'raft-payloads'] as const;
const [three, five] = ['three-nodes', 'five-nodes'] as const;

/** What becomes of speed, memory and start when the log, its entries or the cluster grow. */
export function growthComparison(options: ComparisonOptions): Comparison {
  return {
    name: 'growth',
    title: 'longer logs, larger entries, more nodes; all on one machine',
    tools: ['sysbench'],
    contenders: contenders(options.seconds),
    bars: growthBars(),
    charts: [],
    table: { x: 'clients', distribution: 'latency', ratioOf: metric('throughput') },
  };
}

function contenders(seconds: number): Comparison['contenders'] {
  const ours = (
    name: string,
    title: string,
    how: Pick<Contender, 'turnSeconds' | 'run'>,
  ): Contender => ({ name, title, isOurs: true, ...how });
  const plan: LoadPlan = {
    tests: [insert],
    threads: [insertThreads],
    seconds,
    warmUpSeconds,
    awaitsFollowers: true,
  };
  const cluster = (name: string, nodes: 3 | 5): Contender =>
    ours(name, `binraft, ${nodes} nodes, with MySQL`, {
      turnSeconds: clusterSeconds[nodes] + warmUpSeconds + seconds,
      run: (turn) =>
        loadTurn(
          turn,
          (at) => startBinraft(at, { nodes, reads: 'read-index', load: 'writes' }),
          plan,
        ),
    });
  const put = { seconds, valueBytes, warmUp: grownWarmUp };
  return [
    ours(grown, 'Raft of this project, 3 members, a log of 1,000,000 entries of 100 bytes', {
      turnSeconds: fillSeconds + startsSeconds + seconds,
      run: (turn) => grownTurn(turn, { ...put, members: 3, entries }),
    }),
    ours(empty, 'the same with an empty log', {
      turnSeconds: startsSeconds + seconds,
      run: (turn) => grownTurn(turn, { ...put, members: 3, entries: 0 }),
    }),
    ours(payloads, 'Raft of this project, 3 members, payloads of many sizes', {
      turnSeconds: overheadSeconds + payloadSizes.length * seconds + largestSeconds,
      run: (turn) => payloadTurn(turn, { seconds, sizes: payloadSizes }),
    }),
    ours('raft-five', 'Raft of this project, 5 members, an empty log', {
      turnSeconds: startsSeconds + seconds,
      run: (turn) => grownTurn(turn, { ...put, members: 5, entries: 0 }),
    }),
    cluster(three, 3),
    cluster(five, 5),
  ];
}

function growthBars(): readonly Bar[] {
  const at = { measure: grownMeasure, x: 16 };
  const inserts = { measure: insert, x: insertThreads };
  const grownLog = { ...at, contender: grown };
  return [
    {
      title: 'log of 1,000,000 entries: put throughput, 16 clients, to an empty one',
      subject: {
        kind: 'ratio',
        statistic: metric('throughput'),
        ours: grownLog,
        theirs: { ...at, contender: empty },
      },
      limit: { kind: 'at least', value: 0.95 },
      unit: '',
    },
    {
      title: 'log of 1,000,000 entries: start of a member',
      subject: { kind: 'median', statistic: metric('startMs'), ours: grownLog },
      limit: { kind: 'at most', value: 2000 },
      unit: 'ms',
    },
    {
      title: 'log of 1,000,000 entries: memory of a member under load',
      subject: { kind: 'worst', statistic: metric('memoryMiB'), ours: grownLog },
      limit: { kind: 'at most', value: 250 },
      unit: 'MiB',
    },
    {
      title: `five nodes: ${insert} throughput, ${insertThreads} threads, to three`,
      subject: {
        kind: 'ratio',
        statistic: metric('throughput'),
        ours: { ...inserts, contender: five },
        theirs: { ...inserts, contender: three },
      },
      limit: { kind: 'at least', value: 0.55 },
      unit: '',
    },
    ...payloadSizes.map(
      ({ measure, clients }): Bar => ({
        title: `${measure}: memory of a member above idle`,
        subject: {
          kind: 'worst',
          statistic: metric('memoryRiseMiB'),
          ours: { contender: payloads, measure, x: clients },
        },
        limit: { kind: 'at most', value: 256 },
        unit: 'MiB',
      }),
    ),
  ];
}
