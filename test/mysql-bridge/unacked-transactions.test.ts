import { expect, test } from 'vitest';
import type { Gtid } from '../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../mysql-bridge/binlog/gtid-set.ts';
import type { BinlogPosition } from '../../mysql-bridge/binlog/position.ts';
import { UnackedTransactions } from '../../mysql-bridge/unacked-transactions.ts';

const uuid = '00000000-0000-4000-8000-000000000001';

function gtid(number: number): Gtid {
  return { serverUuid: uuid, tag: '', number: BigInt(number) };
}

function end(number: number, file = 'binlog.000001'): BinlogPosition {
  return { file, offset: BigInt(number * 100) };
}

function received(count: number): UnackedTransactions {
  const unacked = new UnackedTransactions();
  for (let number = 1; number <= count; number += 1) unacked.received(gtid(number), end(number));
  return unacked;
}

const all = GtidSet.parse(`${uuid}:1-5000`);

test('an ack covers its transaction and all before it', () => {
  const unacked = received(3);

  expect(unacked.oldestIn(all)).toEqual(gtid(1));
  unacked.acking(end(2));
  expect(unacked.oldestIn(all)).toEqual(gtid(3));
  unacked.acking(end(3));
  expect(unacked.oldestIn(all)).toBe(null);
});

test('places of the same offset in other files are other places', () => {
  const unacked = received(1);
  unacked.received(gtid(2), end(1, 'binlog.000002'));

  unacked.acking(end(1));

  expect(unacked.oldestIn(all)).toEqual(gtid(2));
});

test('the oldest are kept when there are too many; an ack for one that was not kept covers them', () => {
  const unacked = received(3000);

  expect(unacked.oldestIn(GtidSet.parse(`${uuid}:1024`))).toEqual(gtid(1024));
  expect(unacked.oldestIn(GtidSet.parse(`${uuid}:1025-3000`))).toBe(null);
  unacked.acking(end(2999));
  expect(unacked.oldestIn(all)).toBe(null);
});
