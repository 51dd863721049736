import { expect, test } from 'vitest';
import { BinlogFileScan } from '../../../mysql-bridge/binlog/binlog-file-scan.ts';
import { formatGtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { ShakenServer } from './shaken-server.ts';

// The model by itself, under luck: what a server may lose and what it may not (HAZARDS G2, G3, N3, N7).

const seeds: readonly number[] = Array.from({ length: 60 }, (_, index) => index + 1);

test('nothing is in the engine before its ack, and after any crash everything answered is there, each with its GTID', () => {
  let crashes = 0;
  for (const seed of seeds) {
    const server = new ShakenServer(seed);
    for (let life = 0; life < 4; life += 1) {
      server.start();
      server.run(server.random.below(0, 400));
      server.crash();
      crashes += 1;
    }
    server.start();

    expect(server.early, `seed ${seed}`).toEqual([]);
    const rows = new Set(server.rows());
    expect(
      server.answered.filter((key) => !rows.has(key)),
      `seed ${seed}`,
    ).toEqual([]);
    // One transaction made the table, each other one row.
    expect(server.mysqld.disk.engine.gtids.count, `seed ${seed}`).toBe(BigInt(rows.size + 1));
    expect(server.answered.length).toBeGreaterThan(0);
  }
  expect(crashes).toBe(240);
});

test('after a crash and the cut exactly the acked transactions are there', () => {
  let cuts = 0;
  for (const seed of seeds) {
    const server = new ShakenServer(seed);
    server.start();
    server.run(server.random.below(100, 600));
    server.crash();
    const before = server.mysqld.disk.binlog.newest?.length ?? 0;
    server.cut();
    if ((server.mysqld.disk.binlog.newest?.length ?? 0) < before) cuts += 1;
    server.recover();

    const { gtids } = server.mysqld.disk.engine;
    expect(gtids.count, `seed ${seed}`).toBe(BigInt(server.acked.size));
    expect(server.rows().length, `seed ${seed}`).toBe(server.acked.size - 1);
  }
  expect(cuts).toBeGreaterThan(10);
});

test('every binlog file of a server that ran and crashed is one that the product reads, with the transactions it executed', () => {
  for (const seed of seeds.slice(0, 20)) {
    const server = new ShakenServer(seed);
    server.start();
    server.run(400);
    server.crash();
    server.recover();

    const { binlog, engine } = server.mysqld.disk;
    const found: string[] = [];
    for (const file of binlog.all) {
      const scan = new BinlogFileScan('events', ({ gtid }) => found.push(formatGtid(gtid)));
      for (const chunk of file.chunks) scan.push(chunk);
      const { damage, wasClosed } = scan.finish();
      expect(damage).toBeNull();
      expect(wasClosed).toBe(file !== binlog.newest);
    }
    expect(BigInt(found.length)).toBe(engine.gtids.count);
    expect(binlog.all.length).toBeGreaterThan(2);
  }
});

test('one seed is one run, to the last effect', () => {
  const runOf = (seed: number): readonly string[] => {
    const server = new ShakenServer(seed);
    server.start();
    server.run(500);
    server.crash();
    server.start();
    server.run(200);
    return server.trace;
  };
  expect(runOf(5)).toEqual(runOf(5));
  expect(runOf(5)).not.toEqual(runOf(6));
  expect(runOf(5).length).toBeGreaterThan(500);
});
