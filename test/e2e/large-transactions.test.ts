import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  digests,
  insertBlobs,
  insertMany,
  killInTheMiddle,
  type LargeReport,
  largeDatabase,
  largeTable,
  largeViolations,
  prepareLarge,
  runLarge,
} from '../kill/large-transactions.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';

// Goal: the size of a transaction is no reason to lose it, to see half of it, to change the leader, or to grow without bound.
// Method: real sizes on a real cluster, memory of every sidecar sampled meanwhile. G9, H29. Long form: `test/kill/large.ts`, where a leader
// is missed after half a second: here it may get no CPU for longer than that, and is not judged by it.

const mebibyte = 1024 * 1024;
/** A transaction may cost a sidecar so much memory, whatever its size. */
const growthMiBMax = 256;

let cluster: BinraftCluster;
const reports: LargeReport[] = [];

beforeAll(async () => {
  cluster = await BinraftCluster.start({ basePort: 26_000, isPatient: true });
  await prepareLarge(cluster);
});

afterAll(async () => {
  process.stdout.write(`\n${largeTable(reports)}\n`);
  await cluster?.[Symbol.asyncDispose]();
});

test('a transaction of 256 MiB in rows of 64 MiB reaches every node whole', async () => {
  const report = await runLarge(cluster, '4 rows of 64 MiB', (session) =>
    session.query(insertBlobs('blobs', 4, 64)),
  );
  reports.push(report);

  const found = await digests(cluster, 'blobs');
  expect(found[0]).toMatchObject({ rows: 4, bytes: 256 * mebibyte });
  expect(new Set(found.map((digest) => digest.checksum)).size).toBe(1);
  expect(largeViolations(report, growthMiBMax)).toEqual([]);
});

test('a transaction of a million rows reaches every node whole', async () => {
  const report = await runLarge(cluster, '1,000,000 rows', (session) =>
    session.query(insertMany(1_000_000)),
  );
  reports.push(report);

  const found = await digests(cluster, 'many');
  expect(found[0]).toMatchObject({ rows: 1_000_000 });
  expect(new Set(found.map((digest) => digest.checksum)).size).toBe(1);
  expect(largeViolations(report, growthMiBMax)).toEqual([]);
});

test('a row of 40 MiB given to a prepared statement reaches every node', async () => {
  const value = Buffer.alloc(40 * mebibyte, 'binraft ');
  const report = await runLarge(cluster, '1 row of 40 MiB, prepared', (session) =>
    session.execute(`INSERT INTO ${largeDatabase}.long_rows (value) VALUES (?)`, [value]),
  );
  reports.push(report);

  const found = await digests(cluster, 'long_rows');
  expect(found[0]).toMatchObject({ rows: 1, bytes: value.length });
  expect(new Set(found.map((digest) => digest.checksum)).size).toBe(1);
  expect(largeViolations(report, growthMiBMax)).toEqual([]);
});

test('a transaction of 256 MiB whose leader is killed in the middle is nowhere, or everywhere whole (G3, G4, G9)', async () => {
  const { told, rowsBefore } = await killInTheMiddle(cluster, insertBlobs('killed', 4, 64));

  const found = await digests(cluster, 'killed');
  expect(found[1]).toEqual(found[0]);
  expect(found[2]).toEqual(found[0]);
  const rows = found[0]?.rows ?? 0;
  expect(rows - rowsBefore).toBeOneOf(told === 'acked' ? [4] : [0, 4]);
  expect(found[0]?.bytes).toBe(rows * 64 * mebibyte);
});
