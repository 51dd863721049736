import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BinlogError } from '../../../mysql-bridge/binlog/binlog-error.ts';
import {
  decodeEntryPayload,
  decodeEntryPayloadHeader,
  type EntryPayload,
  encodeEntryPayload,
  encodeEntryPayloadHeader,
  entryPayloadHeaderBytesMax,
} from '../../../mysql-bridge/binlog/entry-payload.ts';
import { gtidNumberMax } from '../../../mysql-bridge/binlog/gtid.ts';

const serverUuid = '83e5dba5-e55d-11f1-b697-02fc00000001';

const payloads: fc.Arbitrary<EntryPayload> = fc
  .record({
    number: fc.bigInt(1n, gtidNumberMax),
    tag: fc.stringMatching(/^([a-z_][a-z0-9_]{0,31})?$/),
    fragment: fc.nat(),
    isFinal: fc.boolean(),
    restBytes: fc.bigInt(0n, 1n << 60n),
    events: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  })
  .map(({ number, tag, fragment, isFinal, restBytes, events }) => ({
    gtid: { serverUuid, tag, number },
    fragment,
    isFinal,
    transactionBytes: BigInt(events.length) + (isFinal && fragment === 0 ? 0n : restBytes),
    events,
  }));

test('every payload comes back as it was', () => {
  fc.assert(
    fc.property(payloads, (payload) => {
      const encoded = encodeEntryPayload(payload);
      const { events, ...header } = payload;

      expect(decodeEntryPayload(encoded)).toEqual(payload);
      expect(decodeEntryPayloadHeader(encoded)).toEqual(header);
      expect(encodeEntryPayloadHeader(header).length + events.length).toBe(encoded.length);
      expect(encodeEntryPayloadHeader(header).length).toBeLessThanOrEqual(
        entryPayloadHeaderBytesMax,
      );
    }),
  );
});

test('the events of a decoded payload are a view, not a copy', () => {
  const encoded = encodeEntryPayload(whole(Uint8Array.of(1, 2, 3)));

  expect(decodeEntryPayload(encoded).events.buffer).toBe(encoded.buffer);
});

describe('malformed bytes are refused', () => {
  const good = encodeEntryPayload(whole(Uint8Array.of(1, 2, 3)));

  test.each([
    ['nothing', new Uint8Array()],
    ['an unknown version', good.with(0, 2)],
    ['an unknown flag', good.with(1, 5)],
    ['a cut header', good.subarray(0, 20)],
    ['cut events', good.subarray(0, good.length - 1)],
    ['events too many', Uint8Array.of(...good, 9)],
    ['a fragment without events', fragmentOf(new Uint8Array(), 10n)],
    ['a fragment longer than its transaction', fragmentOf(Uint8Array.of(1, 2), 1n)],
    ['transaction number 0', good.with(18, 0)],
    ['a NULL number', good.with(18, 0xfb)],
    [
      'a number in a longer form than needed',
      Uint8Array.of(...good.subarray(0, 18), 0xfc, 7, 0, ...good.subarray(19)),
    ],
    [
      'a tag that is none',
      Uint8Array.of(1, 3, ...good.subarray(2, 21), 1, 0x2d, ...good.subarray(21)),
    ],
  ])('%s', (_, bytes) => {
    expect(() => decodeEntryPayload(bytes)).toThrow(
      expect.objectContaining({ code: 'MYSQL_ENTRY_PAYLOAD_MALFORMED' }),
    );
  });

  test('any bytes give a payload that encodes to them, or a refusal', () => {
    const flipped = fc.tuple(payloads, fc.nat(), fc.nat(255)).map(([payload, at, byte]) => {
      const bytes = encodeEntryPayload(payload);
      return bytes.with(at % bytes.length, byte);
    });
    fc.assert(
      fc.property(fc.oneof(flipped, fc.uint8Array({ maxLength: 100 })), (bytes) => {
        const payload = decodeOrNull(bytes);
        if (payload !== null) expect(encodeEntryPayload(payload)).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });
});

function whole(events: Uint8Array): EntryPayload {
  const gtid = { serverUuid, tag: '', number: 7n };
  return { gtid, fragment: 0, isFinal: true, transactionBytes: BigInt(events.length), events };
}

function fragmentOf(events: Uint8Array, transactionBytes: bigint): Uint8Array {
  return encodeEntryPayload({ ...whole(events), fragment: 1, transactionBytes });
}

function decodeOrNull(bytes: Uint8Array): EntryPayload | null {
  try {
    return decodeEntryPayload(bytes);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(BinlogError);
    return null;
  }
}
