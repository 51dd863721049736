import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BinlogError } from '../../../mysql-bridge/binlog/binlog-error.ts';
import { isChecksumRight } from '../../../mysql-bridge/binlog/checksum.ts';
import {
  buildArtificialRotate,
  buildHeartbeat,
  hasCrc32,
  patchFormatDescription,
} from '../../../mysql-bridge/binlog/control-events.ts';
import {
  type BinlogEventBody,
  decodeEvent,
  encodeEvent,
} from '../../../mysql-bridge/binlog/event-codec.ts';
import { EventFlag } from '../../../mysql-bridge/binlog/event-header.ts';
import { EventType, eventTypeName } from '../../../mysql-bridge/binlog/event-types.ts';
import { formatGtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import { dumpedEvents } from './fixtures.ts';
import { toHex } from './hex.ts';

type Kind = BinlogEventBody['kind'];

describe('events captured from MySQL 9.7.4', () => {
  test('every event decodes, and re-serialises to the same bytes', () => {
    for (const event of dumpedEvents) {
      expect(toHex(encodeEvent(decodeEvent(event)))).toBe(toHex(event));
    }
  });

  test('the capture holds every kind that is read here', () => {
    const kinds = new Set(dumpedEvents.map((event) => decodeEvent(event).body.kind));

    expect([...kinds].sort()).toEqual([
      'format-description',
      'gtid',
      'heartbeat',
      'previous-gtids',
      'query',
      'raw',
      'rotate',
      'transaction-payload',
      'xa-prepare',
      'xid',
    ]);
  });

  test('a format description tells the server and its checksums', () => {
    const body = only('format-description')[0];

    expect(body?.serverVersion).toBe('9.7.4-2');
    expect(body !== undefined && hasCrc32(body)).toBe(true);
  });

  test('a gtid event without a tag, and one with', () => {
    const gtids = only('gtid').map(({ gtid, transactionLength }) => ({
      name: formatGtid(gtid),
      transactionLength,
    }));

    expect(gtids.slice(0, 2)).toEqual([
      { name: 'aaaaaaaa-0000-0000-0000-000000000001:zed:5', transactionLength: 178n },
      { name: 'aaaaaaaa-0000-0000-0000-000000000001:7', transactionLength: 179n },
    ]);
  });

  test('the gtids of earlier files are a set', () => {
    const sets = only('previous-gtids').map(({ encoded }) => GtidSet.decode(encoded).toString());

    expect(sets[0]).toBe('');
    expect(sets[1]).toBe('aaaaaaaa-0000-0000-0000-000000000001:7:alpha:1-2:longertag_x:9:zed:5');
  });

  test('a heartbeat names the place everything was sent up to', () => {
    expect(only('heartbeat')[0]).toEqual({
      kind: 'heartbeat',
      version: 2,
      position: { file: 'binlog.000003', offset: 762n },
    });
  });

  test('statements are readable', () => {
    const statements = only('query').map(({ statement }) => new TextDecoder().decode(statement));

    expect(statements).toContain('BEGIN');
    expect(statements).toContain('COMMIT');
    expect(statements).toContain("XA START X'7831',X'',1");
    expect(statements).toContain('alter table t add column n int default 5');
  });
});

describe('events built here', () => {
  const position = { file: 'binlog.000042', offset: 0x1_0000_0010n };

  test('an artificial rotate is what MySQL sends first', () => {
    const [first] = dumpedEvents;

    const built = buildArtificialRotate({ file: 'binlog.000001', offset: 4n }, 11);

    expect(toHex(built)).toBe(toHex(first ?? new Uint8Array()));
  });

  test.each([1, 2] as const)('a heartbeat of version %d comes back', (version) => {
    const { header, body } = decodeEvent(buildHeartbeat({ version, position }, 7));

    expect(header).toMatchObject({ serverId: 7, logPos: 0x10, timestamp: 0 });
    const offset = version === 1 ? 0x10n : position.offset;
    expect(body).toEqual({ kind: 'heartbeat', version, position: { ...position, offset } });
  });

  test('a patched format description has no age and no place, and a right checksum', () => {
    const original = dumpedEvents.find((event) => event[4] === EventType.formatDescription);
    const inUse = encodeEvent(withFlags(decodeEvent(original ?? new Uint8Array())));
    expect(isChecksumRight(inUse)).toBe(true);

    const { header, body } = decodeEvent(patchFormatDescription(inUse));

    expect(header).toMatchObject({ logPos: 0, flags: 0 });
    expect(body).toMatchObject({ kind: 'format-description', created: 0 });
  });

  test('a gtid event with every optional field comes back', () => {
    const sample = dumpedEvents.filter((event) => decodeEvent(event).body.kind === 'gtid');
    for (const event of sample) {
      const { header, body } = decodeEvent(event);
      if (body.kind !== 'gtid') continue;
      const full = {
        ...body,
        originalCommitTimestamp: 1_700_000_000_000_000n,
        originalServerVersion: 80_400,
        commitGroupTicket: 9n,
      };

      const { body: decoded } = decodeEvent(encodeEvent({ header, body: full }));

      expect(decoded).toEqual(full);
    }
  });
});

describe('malformed events', () => {
  test('every cut is refused', () => {
    for (const event of dumpedEvents.slice(0, 40)) {
      for (let length = 0; length < event.length; length += 1) {
        expect(() => decodeEvent(event.subarray(0, length))).toThrow(BinlogError);
      }
    }
  });

  test('a flipped bit is found by the checksum', () => {
    for (const event of dumpedEvents) {
      const flipped = event.with(event.length - 6, (event.at(-6) ?? 0) ^ 1);
      expect(() => decodeEvent(flipped)).toThrow(
        expect.objectContaining({ code: 'MYSQL_BINLOG_CHECKSUM' }),
      );
    }
  });

  test('a body that is nonsense behind a right checksum is refused, or read without harm', () => {
    const types = fc.constantFrom(...Object.values(EventType));
    fc.assert(
      fc.property(types, fc.uint8Array({ maxLength: 120 }), (type, bytes) => {
        const header = { timestamp: 0, type, serverId: 1, eventSize: 0, logPos: 0, flags: 0 };
        const event = encodeEvent({ header, body: { kind: 'raw', bytes } });
        try {
          decodeEvent(event);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(BinlogError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('a body with one byte changed behind a right checksum is refused, or read without harm', () => {
    const samples = fc.constantFrom(...dumpedEvents);
    fc.assert(
      fc.property(samples, fc.nat(), fc.nat(255), (event, at, byte) => {
        const { header } = decodeEvent(event);
        const bytes = event.slice(19, -4);
        if (bytes.length > 0) bytes[at % bytes.length] = byte;
        const changed = encodeEvent({ header, body: { kind: 'raw', bytes } });
        try {
          decodeEvent(changed);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(BinlogError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

test('types have names for messages', () => {
  expect(eventTypeName(EventType.gtidTagged)).toBe('gtidTagged');
  expect(eventTypeName(99)).toBe('event type 99');
});

function only<K extends Kind>(kind: K): Extract<BinlogEventBody, { kind: K }>[] {
  return dumpedEvents
    .map((event) => decodeEvent(event).body)
    .filter((body): body is Extract<BinlogEventBody, { kind: K }> => body.kind === kind);
}

function withFlags(event: ReturnType<typeof decodeEvent>): ReturnType<typeof decodeEvent> {
  return { ...event, header: { ...event.header, flags: EventFlag.binlogInUse } };
}
