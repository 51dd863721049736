import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BinlogError } from '../../../mysql-bridge/binlog/binlog-error.ts';
import {
  type BinlogFileEnd,
  BinlogFileScan,
  type ScanDepth,
  type ScannedTransaction,
} from '../../../mysql-bridge/binlog/binlog-file-scan.ts';
import { EventType } from '../../../mysql-bridge/binlog/event-types.ts';
import { fileBuilder, fileHeadEnd, fileOf } from './binlog-file.ts';
import { queryBody } from './stream-builder.ts';

const file = fileBuilder().transaction(1n, [100]).statement(2n, 'create table t (a int)');
const afterTwo = file.offset;
file.transaction(3n, [10, 20]);
const bytes = fileOf(file);

test('a whole file gives its transactions with their places', () => {
  const { transactions, end } = scan(bytes);

  expect(transactions.map(({ gtid }) => gtid.number)).toEqual([1n, 2n, 3n]);
  expect(transactions[0]?.start).toBe(fileHeadEnd);
  expect(transactions[1]?.end).toBe(afterTwo);
  expect(transactions[2]).toMatchObject({ start: afterTwo, end: BigInt(bytes.length) });
  expect(end).toEqual({ end: BigInt(bytes.length), damage: null, wasClosed: false });
});

test('a file that was closed says so, and a stop at its end is part of it', () => {
  const closed = fileBuilder().transaction(1n, [5]).add(EventType.stop, new Uint8Array());

  expect(scan(fileOf(closed, { isClosed: true })).end).toEqual({
    end: closed.offset,
    damage: null,
    wasClosed: true,
  });
});

test('it does not matter how the file is read', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), (chunkBytes) => {
      expect(scan(bytes, chunkBytes)).toEqual(scan(bytes));
    }),
    { numRuns: 30 },
  );
});

test('a scan of gtids alone finds the same, wherever the file is cut', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: Number(fileHeadEnd), max: bytes.length }),
      (chunkBytes, length) => {
        const cut = bytes.subarray(0, length);
        const { transactions, end } = scan(cut);

        const light = scan(cut, chunkBytes, 'gtids');

        expect(light.transactions).toEqual(transactions);
        expect(light.end.end).toBe(end.end);
        expect(light.end.damage === null).toBe(end.damage === null);
      },
    ),
  );
});

test('a scan of gtids does not look at rows, but at every gtid', () => {
  const inRows = bytes.with(Number(fileHeadEnd) + 180, 0x7f);
  const inSecondGtid = bytes.with(Number(scan(bytes).transactions[1]?.start ?? 0n) + 30, 0x7f);

  expect(scan(inRows).end.damage).toMatch(/checksum/);
  expect(scan(inRows, 1024, 'gtids').transactions).toHaveLength(3);
  expect(scan(inSecondGtid, 1024, 'gtids').transactions).toHaveLength(1);
});

test('cut anywhere, the transactions in front of the cut are found and the end is theirs', () => {
  const { transactions } = scan(bytes);
  for (let length = Number(fileHeadEnd); length < bytes.length; length += 1) {
    const whole = transactions.filter(({ end }) => end <= BigInt(length));
    const expectedEnd = whole.at(-1)?.end ?? fileHeadEnd;

    const found = scan(bytes.subarray(0, length));

    expect(found.transactions).toEqual(whole);
    expect(found.end.end).toBe(expectedEnd);
    expect(found.end.damage === null).toBe(expectedEnd === BigInt(length));
  }
});

test('a flipped byte ends the scan in front of its transaction', () => {
  const { transactions } = scan(bytes);
  const places = fc.integer({ min: Number(fileHeadEnd), max: bytes.length - 1 });
  fc.assert(
    fc.property(places, fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const flipped = bytes.with(at, (bytes[at] ?? 0) ^ mask);

      const found = scanOrRefusal(flipped);

      const whole = transactions.filter(({ end }) => end <= BigInt(at));
      expect(found?.transactions).toEqual(whole);
      expect(found?.end.damage).not.toBeNull();
    }),
    { numRuns: 300 },
  );
});

describe('a file that cannot be judged is refused', () => {
  test.each([
    ['an empty one', new Uint8Array()],
    ['half a magic', bytes.subarray(0, 2)],
    ['another magic', bytes.with(0, 0)],
    ['an encrypted one', bytes.with(0, 0xfd)],
    ['one without a whole format description', bytes.subarray(0, 100)],
    ['one whose format description is damaged', bytes.with(60, 9)],
    [
      'a transaction without a gtid',
      fileOf(fileBuilder().add(EventType.anonymousGtid, new Uint8Array(42))),
    ],
  ])('%s', (_, content) => {
    expect(() => scan(content)).toThrow(BinlogError);
  });
});

test('an event that says it stands elsewhere is damage', () => {
  const moved = fileBuilder();
  moved.offset += 1n;
  moved.transaction(1n, [5]);

  expect(scan(fileOf(moved)).end).toMatchObject({
    end: fileHeadEnd,
    damage: expect.stringMatching(/says it ends/),
  });
});

test('a transaction whose length is wrong is damage', () => {
  const wrong = fileBuilder().transaction(1n, [5]).transaction(2n, [5], 1n);

  const { transactions, end } = scan(fileOf(wrong));

  expect(transactions).toHaveLength(1);
  expect(end.damage).toMatch(/its length says/);
});

test('any bytes behind the head are read without harm', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      const found = scanOrRefusal(
        Uint8Array.of(...fileOf(fileBuilder().add(2, queryBody('x'))), ...noise),
      );
      expect(found === null || found.transactions.length === 0).toBe(true);
    }),
  );
});

function scan(
  content: Uint8Array,
  chunkBytes = 1024,
  depth: ScanDepth = 'events',
): { transactions: ScannedTransaction[]; end: BinlogFileEnd } {
  const transactions: ScannedTransaction[] = [];
  const fileScan = new BinlogFileScan(depth, (transaction) => transactions.push(transaction));
  for (let offset = 0; offset < content.length; offset += chunkBytes) {
    fileScan.push(content.slice(offset, offset + chunkBytes));
  }
  return { transactions, end: fileScan.finish() };
}

function scanOrRefusal(content: Uint8Array): ReturnType<typeof scan> | null {
  try {
    return scan(content);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(BinlogError);
    return null;
  }
}
