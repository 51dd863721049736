import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { renderTable } from '../../cli/table.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';
import { diskUseOf, type NodeSample, sampleNode } from '../support/node-metrics.ts';
import { MixedLoad } from './mixed-load.ts';

// Hours of work in minutes: `npm run test:soak -- [--minutes 10] [--threads 16]`. Memory and open handles of every sidecar must be
// flat: the average of the last quarter within ten percent of that of the second. Prints what grows on disk, too.

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    threads: { type: 'string', default: '16' },
    'base-port': { type: 'string', default: '15000' },
    /** Kept, logs and all; a temporary folder otherwise. */
    'data-dir': { type: 'string' },
  },
});

const sampleEveryMs = 5000;
const driftMax = 0.1;
/** Below it ten percent are noise of the collector's rhythm. */
const driftMiBMin = 16;
const driftHandlesMin = 4;

const samples: NodeSample[][] = [];
let violations: readonly string[] = [];
{
  await using cluster = await BinraftCluster.start({
    basePort: Number(values['base-port']),
    ...(values['data-dir'] !== undefined && { directory: values['data-dir'] }),
  });
  const rounds = Math.max(8, Math.round((Number(values.minutes) * 60_000) / sampleEveryMs));
  await using load = await MixedLoad.start(cluster, Number(values.threads));
  const diskBefore = cluster.nodes.map((node) => diskUseOf(node.directory));
  for (let round = 0; round < rounds; round += 1) {
    await delay(sampleEveryMs);
    const { nodes } = await cluster.status();
    const reached = nodes.flatMap((member) => (member.kind === 'reached' ? [member.status] : []));
    const taken = await Promise.all(reached.map(sampleNode));
    samples.push(taken);
    print(taken.map((sample) => line(round, load.transactions, sample)).join('\n'));
  }
  await load.stop();
  print(`\n${load.transactions} transactions, ${load.failures} failed sessions or transactions\n`);
  print(table(samples));
  print(diskTable(cluster, diskBefore));
  violations = cluster.nodes.flatMap((node) => drifts(node.id));
}
print(violations.length === 0 ? 'memory and handles are flat' : violations.join('\n'));
process.exitCode = violations.length === 0 ? 0 : 1;

function line(round: number, transactions: number, sample: NodeSample): string {
  const { delayMs } = sample;
  const seconds = ((round + 1) * sampleEveryMs) / 1000;
  return [
    `${String(seconds).padStart(5)} s`,
    `${String(transactions).padStart(8)} tx`,
    sample.node,
    sample.role.padEnd(8),
    `private ${String(sample.privateMiB).padStart(4)}`,
    `resident ${String(sample.residentMiB).padStart(4)}`,
    `heap ${String(sample.heapMiB).padStart(4)}`,
    `external ${String(sample.externalMiB).padStart(4)}`,
    `buffers ${String(sample.arrayBuffersMiB).padStart(4)} MiB`,
    `handles ${String(sample.handles).padStart(4)}`,
    `delay p50 ${delayMs.p50.toFixed(1)} p99 ${delayMs.p99.toFixed(1)} max ${delayMs.max.toFixed(1)} ms`,
  ].join('  ');
}

/** Averages of each quarter, per node. */
function table(all: readonly NodeSample[][]): string {
  const nodes = [...new Set(all.flat().map((sample) => sample.node))];
  const rows = nodes.flatMap((node) =>
    [0, 1, 2, 3].map((quarter) => {
      const part = quarterOf(node, quarter);
      const mean = (of: (sample: NodeSample) => number): string => average(part.map(of)).toFixed(0);
      const most = (of: (sample: NodeSample) => number): string =>
        `${Math.max(...part.map(of)).toFixed(0)} ms`;
      return [
        node,
        String(quarter + 1),
        mean((sample) => sample.privateMiB),
        mean((sample) => sample.residentMiB),
        mean((sample) => sample.heapMiB),
        mean((sample) => sample.externalMiB),
        mean((sample) => sample.arrayBuffersMiB),
        mean((sample) => sample.handles),
        most((sample) => sample.delayMs.p99),
        most((sample) => sample.delayMs.max),
      ];
    }),
  );
  const headers = ['node', 'quarter', 'private MiB', 'resident MiB', 'heap MiB', 'external MiB'];
  return renderTable([...headers, 'buffers MiB', 'handles', 'delay p99', 'delay max'], rows, {
    colours: false,
  });
}

function diskTable(
  { nodes }: BinraftCluster,
  before: readonly ReadonlyMap<string, number>[],
): string {
  const rows = nodes.flatMap(({ id, directory }, node) =>
    [...diskUseOf(directory)].map(([what, mebibytes]) => [
      id,
      what,
      String(before[node]?.get(what) ?? 0),
      String(mebibytes),
    ]),
  );
  return renderTable(['node', 'on disk', 'MiB before', 'MiB after'], rows, { colours: false });
}

/** Only growth is a leak: what shrinks after the start was the start. */
function drifts(node: string): readonly string[] {
  const grown = (what: string, of: (sample: NodeSample) => number, least: number): string[] => {
    const second = average(quarterOf(node, 1).map(of));
    const last = average(quarterOf(node, 3).map(of));
    const isFlat = last - second <= Math.max(least, second * driftMax);
    return isFlat
      ? []
      : [`${node}: ${what} rose from ${second.toFixed(0)} to ${last.toFixed(0)} on average`];
  };
  return [
    ...grown('private MiB', (sample) => sample.privateMiB, driftMiBMin),
    ...grown('open handles', (sample) => sample.handles, driftHandlesMin),
  ];
}

function quarterOf(node: string, quarter: number): readonly NodeSample[] {
  const own = samples.flat().filter((sample) => sample.node === node);
  const length = own.length / 4;
  return own.slice(Math.floor(quarter * length), Math.floor((quarter + 1) * length));
}

function average(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / Math.max(1, numbers.length);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
