import { runAsApp } from '../support/app-connection.ts';
import type { BinraftCluster } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type FaultKind, strikeLeader } from './faults.ts';
import {
  prepareSchemaChanges,
  SchemaChanges,
  schemasOf,
  schemaViolations,
} from './schema-changes.ts';
import { type Verdict, verify } from './verify.ts';
import { Workload } from './workload.ts';

export interface CampaignOptions {
  readonly cluster: BinraftCluster;
  readonly kind: FaultKind;
  readonly rounds: number;
  readonly writers: number;
  /** Tables and accounts are created, altered and dropped beside the writes. */
  readonly withDdl?: boolean;
  /** Told after each round. */
  onRound?(round: number, node: string, gapMs: number): void;
}

export interface CampaignReport {
  readonly kind: FaultKind;
  /** One per round: last acknowledged write before the fault to the first one after it. */
  readonly gapsMs: readonly number[];
  readonly verdict: Verdict;
  readonly errors: ReadonlyMap<string, number>;
}

const writesBeforeFault = 200;
const writesAfterFault = 200;

/**
 * Hits the leader again and again while writers write, then holds what they were told against what is there. A round in
 * which nothing was written before or after the fault fails (HAZARDS C11).
 */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { cluster, kind, rounds, writers } = options;
  const table = `kills.${kind}_${Date.now()}`;
  await createWritesTable(cluster, table);
  const workload = new Workload({
    ports: cluster.nodes.map((node) => node.readWritePort),
    user: 'app',
    password: cluster.appPassword,
    writers,
    table,
  });
  const changes = options.withDdl === true ? await startSchemaChanges(cluster) : null;
  const gapsMs: number[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      await workload.progress(writesBeforeFault);
      const beganMs = performance.now();
      const node = await strikeLeader(cluster, kind);
      await workload.progress(writesAfterFault);
      const gapMs = workload.history.writeGapMs(beganMs - 100, performance.now());
      gapsMs.push(gapMs);
      options.onRound?.(round, node, gapMs);
      await allNodesBack(cluster);
    }
  } finally {
    await Promise.all([workload.stop(), changes?.stop()]);
  }
  const rows = await verify(cluster, table, [workload.history]);
  const schemas = changes === null ? [] : await verifySchemas(cluster, changes);
  const verdict = { ...rows, violations: [...rows.violations, ...schemas] };
  return { kind, gapsMs, verdict, errors: workload.history.errors };
}

const schemaLoops = 2;

async function startSchemaChanges(cluster: BinraftCluster): Promise<SchemaChanges> {
  await prepareSchemaChanges(cluster);
  return new SchemaChanges(cluster, schemaLoops);
}

/** Schemas and accounts are equal on all nodes, and what was acknowledged is there (G8, H5). */
async function verifySchemas(
  cluster: BinraftCluster,
  changes: SchemaChanges,
): Promise<readonly string[]> {
  const [first = [], ...others] = await schemasOf(cluster);
  const differences = others.flatMap((schema, index) =>
    schema.join('\n') === first.join('\n') ? [] : [`schema of n${index + 2} differs from n1`],
  );
  if (changes.statements === 0) differences.push('no schema was changed');
  return [...differences, ...schemaViolations(changes.presences, first)];
}

/** A table for `Workload`, in a schema that is made if need be. */
export async function createWritesTable(cluster: BinraftCluster, table: string): Promise<void> {
  await runAsApp(cluster, [
    `CREATE DATABASE IF NOT EXISTS ${table.split('.')[0]}`,
    `CREATE TABLE IF NOT EXISTS ${table} (id VARCHAR(40) PRIMARY KEY, writer_note VARCHAR(80) NOT NULL)`,
  ]);
}

/** The next fault shall hit a whole cluster: one primary, the others replicas, all answering. */
export async function allNodesBack(cluster: BinraftCluster): Promise<void> {
  await eventually(async () => {
    const { nodes } = await cluster.status();
    const roles = nodes.map((member) =>
      member.kind === 'reached' ? member.status.mysql.role : 'gone',
    );
    const isWhole =
      roles.filter((role) => role === 'primary').length === 1 &&
      roles.filter((role) => role === 'replica').length === roles.length - 1;
    return isWhole ? true : null;
  }, 'all nodes are back');
}

/** Middle value; 0 of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
