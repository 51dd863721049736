import { parseArgs } from 'node:util';
import { renderTable } from '../../cli/table.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';
import { type CampaignReport, median, runCampaign } from './campaign.ts';
import { type FaultKind, faultKinds } from './faults.ts';

// The long form of the kill tests: `npm run test:kill -- [--rounds 20] [--only sidecar,mysqld] [--writers 8] [--ddl]`.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    writers: { type: 'string', default: '8' },
    /** Changes schemas and accounts meanwhile. */
    ddl: { type: 'boolean', default: false },
    only: { type: 'string', default: faultKinds.join(',') },
    'base-port': { type: 'string', default: '21000' },
    /** Kept, logs and all; a temporary folder otherwise. */
    'data-dir': { type: 'string' },
  },
});

const kinds = values.only
  .split(',')
  .filter((kind): kind is FaultKind => faultKinds.some((known) => known === kind));
/** Kinds whose rounds take long are done less often. */
const roundsMax: Readonly<Record<FaultKind, number>> = {
  sidecar: 1000,
  mysqld: 1000,
  both: 1000,
  pause: 1000,
  transfer: 1000,
  power: 10,
  shutdown: 20,
  lag: 1,
};
const reports: CampaignReport[] = [];
{
  await using cluster = await BinraftCluster.start({
    basePort: Number(values['base-port']),
    ...(values['data-dir'] !== undefined && { directory: values['data-dir'] }),
  });
  print(cluster.output);
  for (const kind of kinds) {
    reports.push(
      await runCampaign({
        cluster,
        kind,
        rounds: Math.min(Number(values.rounds), roundsMax[kind]),
        withDdl: values.ddl,
        writers: Number(values.writers),
        onRound: (round, node, gapMs) =>
          print(
            `${kind.padEnd(8)} ${String(round + 1).padStart(3)}  ${node}  write gap ${Math.round(gapMs)} ms`,
          ),
      }),
    );
  }
}
print(summary(reports));
const violations = reports.flatMap((report) =>
  report.verdict.violations.map((text) => `${report.kind}: ${text}`),
);
print(violations.length === 0 ? 'no violation' : violations.join('\n'));
process.exitCode = violations.length === 0 ? 0 : 1;

function summary(all: readonly CampaignReport[]): string {
  const headers = [
    'fault',
    'rounds',
    'gap median',
    'gap max',
    'acked',
    'failed',
    'unknown',
    'rows',
    'violations',
  ];
  const rows = all.map(({ kind, gapsMs, verdict }) => [
    kind,
    String(gapsMs.length),
    `${Math.round(median(gapsMs))} ms`,
    `${Math.round(Math.max(0, ...gapsMs))} ms`,
    String(verdict.acked),
    String(verdict.failed),
    String(verdict.unknown),
    String(verdict.rows),
    String(verdict.violations.length),
  ]);
  return renderTable(headers, rows, { colours: process.stdout.isTTY === true });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
