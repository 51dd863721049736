import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BinlogError } from '../../../mysql-bridge/binlog/binlog-error.ts';
import type { EntryPayload } from '../../../mysql-bridge/binlog/entry-payload.ts';
import { PayloadReader } from '../../../mysql-bridge/binlog/payload-reader.ts';
import { TransactionAssembler } from '../../../mysql-bridge/binlog/transaction-assembler.ts';
import { semisyncDump } from './fixtures.ts';
import { toHex } from './hex.ts';
import { dumpHead, FileBuilder, headEnd, packetOf, piecesOf } from './stream-builder.ts';

test('what the assembler cut, the reader gives back event by event, whatever the fragments', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(200), { maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 150 }),
      (transactions, fragmentBytesMax) => {
        const file = new FileBuilder(headEnd);
        for (const [index, rows] of transactions.entries())
          file.transaction(BigInt(index + 1), rows);
        const reader = new PayloadReader();

        const events: string[] = [];
        let ends = 0;
        for (const payload of assemble(file, fragmentBytesMax)) {
          for (const slice of reader.read(payload)) {
            if (slice.isFirst) {
              expect(slice.bytes.length).toBeGreaterThanOrEqual(19);
              events.push('');
            }
            events.push(`${events.pop()}${toHex(slice.bytes)}`);
            if (slice.isEndOfTransaction) ends += 1;
          }
        }

        expect(events).toEqual(file.events.map(toHex));
        expect(ends).toBe(transactions.length);
        expect(reader.isBetweenTransactions).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

test('a small transaction is whole events, without a copy', () => {
  const reader = new PayloadReader();
  for (const payload of assembleCapture()) {
    for (const slice of reader.read(payload)) {
      expect(slice.isFirst && slice.isLast).toBe(true);
      expect(slice.bytes.length).toBe(slice.header.eventSize);
      expect(slice.bytes.buffer).toBe(payload.events.buffer);
    }
  }
});

describe('payloads that do not follow each other are refused', () => {
  const file = new FileBuilder(headEnd).transaction(1n, [300]).transaction(2n, [300]);
  const fragments = assemble(file, 200);

  test.each<[string, readonly number[]]>([
    ['a later fragment first', [1]],
    ['a fragment left out', [0, 2]],
    ['a fragment twice', [0, 0]],
    ['another transaction in between', [0, 3]],
  ])('%s', (_, order) => {
    const reader = new PayloadReader();
    const feed = (): void => {
      for (const at of order) {
        const payload = fragments[at];
        if (payload !== undefined) for (const _slice of reader.read(payload));
      }
    };

    expect(feed).toThrow(BinlogError);
  });

  test('a fragment that claims to be the last before its time', () => {
    const [first] = fragments;
    const feed = (): void => {
      if (first === undefined) return;
      for (const _slice of new PayloadReader().read({ ...first, isFinal: true }));
    };

    expect(feed).toThrow(BinlogError);
  });

  test('bytes that are no events', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (events) => {
        const gtid = { serverUuid: 'x', tag: '', number: 1n };
        const transactionBytes = BigInt(events.length);
        const payload = { gtid, fragment: 0, isFinal: true, transactionBytes, events };
        try {
          for (const _slice of new PayloadReader().read(payload));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(BinlogError);
        }
      }),
    );
  });
});

function assemble(file: FileBuilder, fragmentBytesMax: number): EntryPayload[] {
  return payloadsOf(
    [...dumpHead, ...file.events].map((event) => packetOf(event)),
    fragmentBytesMax,
  );
}

function assembleCapture(): EntryPayload[] {
  return payloadsOf(semisyncDump, 1024 * 1024);
}

function payloadsOf(packets: readonly Uint8Array[], fragmentBytesMax: number): EntryPayload[] {
  const assembler = new TransactionAssembler({ hasSemisyncHeader: true, fragmentBytesMax });
  return packets
    .flatMap((packet) => piecesOf(packet, () => packet.length))
    .flatMap((piece) => assembler.step(piece))
    .flatMap((effect) => (effect.kind === 'payload' ? [effect.payload] : []));
}
