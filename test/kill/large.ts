import { parseArgs } from 'node:util';
import { BinraftCluster } from '../support/binraft-cluster.ts';
import {
  digests,
  insertBlobs,
  insertMany,
  killInTheMiddle,
  type LargeReport,
  largeTable,
  largeViolations,
  prepareLarge,
  runLarge,
} from './large-transactions.ts';

// The long form of `test/e2e/large-transactions.test.ts`: larger ones, and several kills.
// `node test/kill/large.ts [--mebibytes 1024] [--rows 4000000] [--kills 5]`

const { values } = parseArgs({
  options: {
    mebibytes: { type: 'string', default: '1024' },
    rows: { type: 'string', default: '4000000' },
    kills: { type: 'string', default: '5' },
    'base-port': { type: 'string', default: '16500' },
    /** Kept, logs and all; a temporary folder otherwise. */
    'data-dir': { type: 'string' },
  },
});

const growthMiBMax = 256;
const rowMiB = 64;
const blobRows = Math.ceil(Number(values.mebibytes) / rowMiB);
const reports: LargeReport[] = [];
const violations: string[] = [];
{
  await using cluster = await BinraftCluster.start({
    basePort: Number(values['base-port']),
    ...(values['data-dir'] !== undefined && { directory: values['data-dir'] }),
  });
  await prepareLarge(cluster);
  await measure(cluster, 'blobs', insertBlobs('blobs', blobRows, rowMiB));
  await measure(cluster, 'many', insertMany(Number(values.rows)));
  for (let round = 0; round < Number(values.kills); round += 1) await killOnce(cluster, round);
}
print(largeTable(reports));
print(violations.length === 0 ? 'no violation' : violations.join('\n'));
process.exitCode = violations.length === 0 ? 0 : 1;

async function measure(cluster: BinraftCluster, table: string, statement: string): Promise<void> {
  const report = await runLarge(cluster, table, (session) => session.query(statement));
  reports.push(report);
  violations.push(...largeViolations(report, growthMiBMax), ...(await differences(cluster, table)));
}

/** A killed transaction leaves none of its rows, or all; each round adds to what the others left. */
async function killOnce(cluster: BinraftCluster, round: number): Promise<void> {
  const { told, rowsBefore: before } = await killInTheMiddle(
    cluster,
    insertBlobs('killed', 4, rowMiB),
  );
  const after = (await digests(cluster, 'killed'))[0]?.rows ?? 0;
  const allowed = told === 'acked' ? [4] : [0, 4];
  print(`kill ${round + 1}: ${told}, ${after - before} of 4 rows are there`);
  if (!allowed.includes(after - before)) {
    violations.push(`kill ${round + 1}: ${told}, yet ${after - before} of 4 rows are there`);
  }
  violations.push(...(await differences(cluster, 'killed')));
}

async function differences(cluster: BinraftCluster, table: string): Promise<readonly string[]> {
  const found = new Set((await digests(cluster, table)).map((digest) => JSON.stringify(digest)));
  return found.size === 1 ? [] : [`${table} differs between nodes: ${[...found].join(' ')}`];
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
