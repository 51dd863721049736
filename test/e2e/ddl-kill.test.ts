import { expect, test } from 'vitest';
import { strikeLeader } from '../kill/faults.ts';
import {
  prepareSchemaChanges,
  SchemaChanges,
  schemasOf,
  schemaViolations,
} from '../kill/schema-changes.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';

// H5, H6, G8. Goal: DDL and account statements that run while the leader dies are as safe as rows. Method: loops that create,
// alter, drop and create accounts; the leader is killed in three ways; then schemas and accounts of all nodes are compared.

test('schemas and accounts are equal on all nodes after the leader was killed under DDL (G8, H5, H6)', async () => {
  await using cluster = await BinraftCluster.start({ basePort: 25_500 });
  await prepareSchemaChanges(cluster);
  await using changes = new SchemaChanges(cluster, 4);

  for (const kind of ['both', 'mysqld', 'sidecar'] as const) {
    const before = changes.statements;
    await eventually(async () => (changes.statements > before + 30 ? true : null), 'DDL flows');
    await strikeLeader(cluster, kind);
    const after = changes.statements;
    await eventually(
      async () => (changes.statements > after + 30 ? true : null),
      'DDL flows again',
    );
    await eventually(async () => {
      const { nodes } = await cluster.status();
      return nodes.every(
        (member) =>
          member.kind === 'reached' && ['primary', 'replica'].includes(member.status.mysql.role),
      )
        ? true
        : null;
    }, 'all nodes are back');
  }
  await changes.stop();
  const statuses = await cluster.settled();

  const schemas = await schemasOf(cluster);
  expect(schemas[1]).toEqual(schemas[0]);
  expect(schemas[2]).toEqual(schemas[0]);
  expect(schemaViolations(changes.presences, schemas[0] ?? [])).toEqual([]);
  expect(new Set(statuses.map((status) => status.mysql.gtidExecuted)).size).toBe(1);
});
