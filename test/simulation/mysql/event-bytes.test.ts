import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../base/bytes.ts';
import { decodeEvent, encodeEvent } from '../../../mysql-bridge/binlog/event-codec.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import { encodeServerUuid } from '../../../mysql-bridge/binlog/server-uuid.ts';
import { dumpedEvents } from '../../mysql-bridge/binlog/fixtures.ts';
import { BinlogFiles } from './binlog-files.ts';
import { buildTransaction, type RowEdit, type TransactionContent } from './event-bytes.ts';
import { eventSizeAt, readTransaction } from './event-reader.ts';

const uuid = '83e5dba5-e55d-11f1-b697-02fc00000001';
const stamp = {
  serverId: 11,
  timestampSeconds: 1_700_000_000,
  serverUuid: encodeServerUuid(uuid),
  number: 7,
  lastCommitted: 3,
  sequenceNumber: 4,
  xid: 99,
  offset: 158,
};

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const edit: fc.Arbitrary<RowEdit> = fc
  .record({
    table: fc.constantFrom('t', 'other'),
    key: fc.string({ maxLength: 20 }),
    before: fc.option(text),
    after: fc.option(fc.oneof(text, fc.constant('long'.repeat(3000)))),
  })
  .filter(({ before, after }) => before !== null || after !== null);

test('what is written is what the product reads: every event, its place and checksum, and the rows in it', () => {
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 12 }), (edits) => {
      const bytes = buildTransaction({ edits, schemaChange: null }, stamp);

      const events = eventsOf(bytes).map(decodeEvent);

      expect(concatBytes(events.map(encodeEvent))).toEqual(bytes);
      let offset = stamp.offset;
      for (const { header } of events) {
        offset += header.eventSize;
        expect(header.logPos).toBe(offset);
      }
      const [first] = events;
      expect(first?.body).toMatchObject({
        kind: 'gtid',
        gtid: { serverUuid: uuid, number: 7n },
        transactionLength: BigInt(bytes.length),
      });
      expect(events.at(-1)?.body).toEqual({ kind: 'xid', xid: 99n });
      expect(readTransaction(bytes)).toMatchObject({ edits, schemaChange: null, xid: 99 });
    }),
    { numRuns: 200 },
  );
});

test('DDL and accounts stand in it as statements, with the xid that recovery looks for', () => {
  const contents: readonly TransactionContent['schemaChange'][] = [
    { kind: 'create-table', table: 't' },
    { kind: 'drop-table', table: 't' },
    { kind: 'alter-table', table: 't', comment: 'note' },
    { kind: 'create-user', user: 'u1' },
    { kind: 'drop-user', user: 'u1' },
  ];
  for (const schemaChange of contents) {
    const bytes = buildTransaction({ edits: [], schemaChange }, stamp);
    expect(eventsOf(bytes).map((event) => decodeEvent(event).body.kind)).toEqual(['gtid', 'query']);
    expect(readTransaction(bytes)).toMatchObject({ schemaChange, xid: 99, edits: [] });
  }
});

test('a file begins with the FORMAT_DESCRIPTION of MySQL 9.7.4 and an empty PREVIOUS_GTIDS, to the byte', () => {
  const captured = dumpedEvents[1];
  const { header, body } = decodeEvent(captured ?? new Uint8Array());
  const created = body.kind === 'format-description' ? body.created : 0;
  const files = new BinlogFiles();
  const { serverId } = header;
  const file = files.open(new GtidSet(), { serverId, timestampSeconds: created }, true);
  file.clearInUse();

  const written = file.bytes().subarray(4);

  expect(written.subarray(0, eventSizeAt(written))).toEqual(captured);
  expect(file.length).toBe(158);
});

function eventsOf(bytes: Uint8Array): Uint8Array[] {
  const events: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += eventSizeAt(bytes, at)) {
    events.push(bytes.slice(at, at + eventSizeAt(bytes, at)));
  }
  return events;
}
