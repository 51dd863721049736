import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type {
  AssemblerEffect,
  PayloadEffect,
} from '../../../mysql-bridge/binlog/assembler-effects.ts';
import { buildEvent } from '../../../mysql-bridge/binlog/checksum.ts';
import {
  buildArtificialRotate,
  buildHeartbeat,
} from '../../../mysql-bridge/binlog/control-events.ts';
import { decodeEntryPayload } from '../../../mysql-bridge/binlog/entry-payload.ts';
import { EventType } from '../../../mysql-bridge/binlog/event-types.ts';
import { formatGtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import { TransactionAssembler } from '../../../mysql-bridge/binlog/transaction-assembler.ts';
import { readPackets, semisyncDump } from './fixtures.ts';
import { toHex } from './hex.ts';
import {
  dumpHead,
  FileBuilder,
  gtidBody,
  headEnd,
  packetOf,
  piecesOf,
  queryBody,
  serverUuid,
} from './stream-builder.ts';

type Received = Extract<AssemblerEffect, { kind: 'transaction-received' }>;

const wholePieces = (): number => Number.MAX_SAFE_INTEGER;

describe('a dump captured from MySQL 9.7.4', () => {
  const effects = run(semisyncDump);

  test('has no fault, and every transaction comes once, in order', () => {
    expect(effects.filter(({ kind }) => kind === 'fault')).toEqual([]);
    const gtids = received(effects).map(({ gtid }) => gtid);

    expect(gtids).toHaveLength(32);
    expect(GtidSet.of(...gtids).count).toBe(32n);
    expect(GtidSet.of(...gtids).toString()).toBe(
      [
        '83e5dba5-0000-11f1-b697-02fc00000001:9',
        '83e5dba5-e55d-11f1-b697-02fc00000001:1-25:orders:1',
        'aaaaaaaa-0000-0000-0000-000000000001:7:alpha:1-2:longertag_x:9:zed:5',
      ].join(',\n'),
    );
  });

  test('the payloads hold the transactions byte by byte, and decode', () => {
    const inTransactions = semisyncDump
      .map((packet) => packet.subarray(3))
      .filter((event) => !isControl(event[4] ?? 0));

    const payloads = effects.filter((effect) => effect.kind === 'payload');

    expect(payloads.map(({ payload }) => toHex(payload.events)).join('')).toBe(
      inTransactions.map(toHex).join(''),
    );
    for (const { payload, encoded } of payloads) {
      expect(decodeEntryPayload(encoded)).toEqual(payload);
      expect(payload.isFinal).toBe(true);
    }
  });

  test('an ack is asked for exactly where the server waits', () => {
    const waiting = received(effects).filter(({ needsAck }) => needsAck);

    // The first five were committed before the replica came.
    expect(waiting).toHaveLength(27);
    expect(waiting[0]?.end).toEqual({ file: 'binlog.000002', offset: 526n });
    expect(waiting.at(-1)?.end).toEqual({ file: 'binlog.000003', offset: 762n });
  });

  test('files, their formats, and heartbeats are told', () => {
    const kinds = effects.map(({ kind }) => kind);

    expect(effects.filter(({ kind }) => kind === 'rotate')).toEqual(
      ['binlog.000001', 'binlog.000002', 'binlog.000003'].map((file) => ({
        kind: 'rotate',
        position: { file, offset: 4n },
      })),
    );
    expect(kinds.filter((kind) => kind === 'format-description')).toHaveLength(3);
    expect(effects.at(-1)).toEqual({
      kind: 'heartbeat',
      position: { file: 'binlog.000003', offset: 762n },
    });
  });

  test('it does not matter where packets are cut, nor how long fragments are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 50 }),
        fc.constantFrom(1, 7, 64, 200, 1024 * 1024),
        (lengths, fragmentBytesMax) => {
          const again = run(semisyncDump, { nextLength: cycle(lengths), fragmentBytesMax });

          expect(joined(again)).toEqual(joined(effects));
          for (const { payload } of payloadsOf(again)) {
            expect(payload.events.length).toBeLessThanOrEqual(fragmentBytesMax);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test('one byte at a time gives the same', () => {
    expect(run(semisyncDump, { nextLength: () => 1 })).toEqual(effects);
  });

  test('without the semisync header the same transactions come', () => {
    const plain = semisyncDump.map((packet) => Uint8Array.of(0, ...packet.subarray(3)));

    const gtids = received(run(plain, { hasSemisyncHeader: false })).map(({ gtid }) => gtid);

    expect(gtids).toEqual(received(effects).map(({ gtid }) => gtid));
  });
});

describe('large transactions', () => {
  test('come as fragments while they arrive, the last one marked (H19, G9)', () => {
    const file = new FileBuilder(headEnd).transaction(1n, [5_000, 100, 3_000]);
    const effects = run(dump(file), { fragmentBytesMax: 1_000, nextLength: () => 700 });

    const payloads = payloadsOf(effects);
    const wholeBytes = file.events.reduce((sum, event) => sum + event.length, 0);

    expect(payloads.length).toBe(Math.ceil(wholeBytes / 1_000));
    expect(payloads.map(({ payload }) => payload.fragment)).toEqual(payloads.map((_, at) => at));
    expect(payloads.map(({ payload }) => payload.isFinal).indexOf(true)).toBe(payloads.length - 1);
    expect(payloads.every(({ payload }) => payload.transactionBytes === BigInt(wholeBytes))).toBe(
      true,
    );
    expect(received(effects)).toEqual([
      {
        kind: 'transaction-received',
        gtid: { serverUuid, tag: '', number: 1n },
        transactionBytes: BigInt(wholeBytes),
        fragments: payloads.length,
        end: { file: 'binlog.000001', offset: headEnd + BigInt(wholeBytes) },
        needsAck: true,
        commitTimestampUs: 1,
        connectionId: 5,
      },
    ]);
  });

  test('a fragment leaves as soon as it is full, not at the end of its event', () => {
    const file = new FileBuilder(headEnd).transaction(1n, [10_000]);
    const assembler = new TransactionAssembler({
      hasSemisyncHeader: true,
      fragmentBytesMax: 1_000,
    });
    const kinds: string[] = [];
    for (const packet of dump(file)) {
      for (const piece of piecesOf(packet, () => 500)) {
        kinds.push(
          assembler
            .step(piece)
            .map(({ kind }) => kind)
            .join() || '-',
        );
      }
    }

    const first = kinds.indexOf('payload');
    expect(kinds.slice(first).filter((kind) => kind === 'payload').length).toBe(10);
    expect(kinds.slice(first, first + 4)).toEqual(['payload', '-', 'payload', '-']);
    expect(kinds.at(-1)).toBe('payload,transaction-received');
  });

  test('a transaction that fits one fragment exactly is one payload', () => {
    const file = new FileBuilder(headEnd).transaction(1n, [100]);
    const wholeBytes = file.events.reduce((sum, event) => sum + event.length, 0);

    expect(payloadsOf(run(dump(file), { fragmentBytesMax: wholeBytes }))).toHaveLength(1);
    expect(payloadsOf(run(dump(file), { fragmentBytesMax: wholeBytes - 1 }))).toHaveLength(2);
  });
});

describe('positions', () => {
  test('go past 4 GiB, where headers wrap', () => {
    const start = 0xffff_ff00n;
    const file = new FileBuilder(start).transaction(1n, [500]).transaction(2n, [10]);
    const packets = [
      packetOf(buildArtificialRotate({ file: 'binlog.000009', offset: start }, 1)),
      ...file.events.map((event) => packetOf(event)),
    ];

    const ends = received(run(packets)).map(({ end }) => end.offset);

    expect(ends).toHaveLength(2);
    expect(ends.at(-1)).toBe(file.offset);
    expect(file.offset).toBeGreaterThan(0x1_0000_0000n);
  });

  test.each([1, 2])(
    'behind transactions that MySQL left out are those of the whole dump (heartbeats of version %d)',
    (version) => {
      const whole = new Map(
        received(run(semisyncDump)).map(({ gtid, end }) => [formatGtid(gtid), end]),
      );

      const effects = run(readPackets(`mysql-9.7.4-excluding-dump-v${version}`));

      expect(effects.filter(({ kind }) => kind === 'fault')).toEqual([]);
      expect(received(effects)).toHaveLength(7);
      for (const { gtid, end } of received(effects)) {
        expect(end).toEqual(whole.get(formatGtid(gtid)));
      }
    },
  );

  test('jump behind transactions that were left out, by the heartbeat in front', () => {
    const behind = 0x3_0000_1000n;
    const file = new FileBuilder(behind).transaction(9n, [10]);
    const position = { file: 'binlog.000001', offset: behind };
    const packets = [
      ...dumpHead.map((event) => packetOf(event)),
      packetOf(buildHeartbeat({ version: 2, position }, 1)),
      ...file.events.map((event) => packetOf(event)),
    ];

    const effects = run(packets);

    expect(effects).toContainEqual({ kind: 'heartbeat', position });
    expect(received(effects)[0]?.end.offset).toBe(file.offset);
  });

  test('a heartbeat of version 1 names the place as far as 32 bits go', () => {
    const file = new FileBuilder(5_000n).transaction(9n, [10]);
    const position = { file: 'binlog.000001', offset: 5_000n };
    const packets = [
      ...dumpHead.map((event) => packetOf(event)),
      packetOf(buildHeartbeat({ version: 1, position }, 1)),
      ...file.events.map((event) => packetOf(event)),
    ];

    expect(received(run(packets))[0]?.end.offset).toBe(file.offset);
  });

  test('a step back is a fault, not a jump of almost 4 GiB (G1)', () => {
    const file = new FileBuilder(headEnd).transaction(1n, [1_000]);
    const back = new FileBuilder(headEnd + 10n).transaction(2n, [10]);

    expect(run([...dump(file), ...back.events.map((event) => packetOf(event))]).at(-1)).toEqual(
      expect.objectContaining({ kind: 'fault', code: 'MYSQL_BINLOG_MALFORMED' }),
    );
  });
});

describe('a stream that no healthy server sends is a fault, and the last effect', () => {
  const good = (): FileBuilder => new FileBuilder(headEnd).transaction(1n, [50]);
  const gtid = { serverUuid, tag: '', number: 2n };
  const begun = (): FileBuilder =>
    new FileBuilder(headEnd).add(EventType.gtid, gtidBody(gtid, 500n));

  test.each<[string, string, Uint8Array[]]>([
    ['a transaction longer than it said', 'MALFORMED', dump(lengthOff(-1n))],
    ['a transaction shorter than it said', 'MALFORMED', dump(lengthOff(1n))],
    [
      'a gtid event inside a transaction',
      'MALFORMED',
      dump(begun().add(EventType.gtid, gtidBody(gtid, 10n))),
    ],
    ['rows outside a transaction', 'MALFORMED', dump(builder().add(30, new Uint8Array(5)))],
    ['a stop inside a transaction', 'MALFORMED', dump(begun().add(EventType.stop, none()))],
    ['an incident', 'INCIDENT', dump(begun().add(EventType.incident, none()))],
    [
      'a transaction without a gtid',
      'UNSUPPORTED',
      dump(builder().add(EventType.anonymousGtid, new Uint8Array(42))),
    ],
    [
      'BEGIN inside a transaction',
      'MALFORMED',
      dump(begun().add(2, queryBody('BEGIN')).add(2, queryBody('BEGIN'))),
    ],
    [
      'rows missing in the middle',
      'MALFORMED',
      dump(good()).filter((_, index) => index !== dumpHead.length + 2),
    ],
    [
      'an event before its file is named',
      'MALFORMED',
      good().events.map((event) => packetOf(event)),
    ],
    ['a status byte other than 0', 'MALFORMED', [Uint8Array.of(1, 0xef, 0)]],
    ['no semisync header', 'MALFORMED', [Uint8Array.of(0, 1, 0)]],
    ['a semisync flag other than 0 and 1', 'MALFORMED', [Uint8Array.of(0, 0xef, 2)]],
    ['an empty packet', 'MALFORMED', [Uint8Array.of(0, 0xef, 0)]],
    ['a packet of two events', 'MALFORMED', [Uint8Array.of(...firstPacket(), ...firstPacket())]],
    ['a cut packet', 'MALFORMED', [firstPacket().subarray(0, -3)]],
    [
      'an event that claims more than 1 GiB',
      'MALFORMED',
      [packetOf(Uint8Array.of(...new Uint8Array(9), 1, 0, 0, 0x40, ...new Uint8Array(6)))],
    ],
    [
      'a rotate event of 2000 bytes',
      'MALFORMED',
      [packetOf(buildEvent(artificial(), new Uint8Array(2_000)))],
    ],
    ['events without checksums', 'UNSUPPORTED', dumpWithoutChecksums()],
  ])('%s', (_, code, packets) => {
    const effects = run(packets);

    expect(effects.at(-1)).toEqual(
      expect.objectContaining({ kind: 'fault', code: `MYSQL_BINLOG_${code}` }),
    );
    expect(effects.filter(({ kind }) => kind === 'fault')).toHaveLength(1);
    expect(received(effects)).toEqual([]);
  });

  test('after a fault nothing more comes', () => {
    const assembler = new TransactionAssembler({ hasSemisyncHeader: true });
    const piece = { bytes: Uint8Array.of(9), isFirst: true, isLast: true, sequence: 0 };

    expect(assembler.step(piece)).toHaveLength(1);
    expect(assembler.step(piece)).toEqual([]);
  });

  test('pieces out of order are a fault', () => {
    const assembler = new TransactionAssembler({ hasSemisyncHeader: true });
    const bytes = Uint8Array.of(0, 0xef);
    assembler.step({ bytes, isFirst: true, isLast: false, sequence: 0 });

    expect(assembler.step({ bytes, isFirst: true, isLast: false, sequence: 0 })).toEqual([
      expect.objectContaining({ kind: 'fault' }),
    ]);
  });

  test('any one byte changed, missing or doubled is found, or is of no event', () => {
    const intact = run(semisyncDump);
    fc.assert(
      fc.property(
        fc.nat(semisyncDump.length - 1),
        fc.nat(),
        fc.constantFrom('flip', 'drop', 'double'),
        (packetAt, byteAt, damage) => {
          const packet = semisyncDump[packetAt] ?? new Uint8Array();
          const at = byteAt % packet.length;
          const damaged = semisyncDump.with(packetAt, damagedAt(packet, at, damage));

          const effects = run(damaged, { nextLength: cycle([17, 1, 90]) });

          // The need-ack flag is the one byte that no checksum covers.
          if (at === 2 && damage === 'flip') return;
          const wholeBefore = joined(effects.filter(({ kind }) => kind !== 'fault'));
          expect(effects.at(-1)?.kind).toBe('fault');
          expect(joined(intact).slice(0, wholeBefore.length)).toEqual(wholeBefore);
        },
      ),
      { numRuns: 300 },
    );
  });
});

test('a statement that stands alone is a transaction; savepoints and comments do not end one', () => {
  const inside = ['SAVEPOINT `s`', 'ROLLBACK TO `s`', 'rollback to s', 'CREATE TABLE t (a int)'];
  const rest = [queryBody('BEGIN'), ...inside.map(queryBody), queryBody('ROLLBACK')];
  const restBytes = rest.reduce((sum, body) => sum + body.length + 23, 0);
  const file = new FileBuilder(headEnd).statement(1n, 'drop table rollback_t');
  file.add(EventType.gtid, gtidBody({ serverUuid, tag: '', number: 2n }, BigInt(restBytes)));
  for (const body of rest) file.add(EventType.query, body);

  const effects = run(dump(file));

  expect(received(effects).map(({ gtid }) => formatGtid(gtid))).toEqual([
    `${serverUuid}:1`,
    `${serverUuid}:2`,
  ]);
});

function run(
  packets: readonly Uint8Array[],
  options: {
    hasSemisyncHeader?: boolean;
    fragmentBytesMax?: number;
    nextLength?: () => number;
  } = {},
): AssemblerEffect[] {
  const { nextLength = wholePieces, hasSemisyncHeader = true, ...limits } = options;
  const assembler = new TransactionAssembler({ hasSemisyncHeader, ...limits });
  return packets.flatMap((packet) =>
    piecesOf(packet, nextLength).flatMap((piece) => assembler.step(piece)),
  );
}

/** A dump of one file; the last event of the file asks for an ack. */
function dump(file: FileBuilder): Uint8Array[] {
  return [...dumpHead, ...file.events].map((event) =>
    packetOf(event, event === file.events.at(-1)),
  );
}

function builder(): FileBuilder {
  return new FileBuilder(headEnd);
}

function lengthOff(by: bigint): FileBuilder {
  return builder().transaction(1n, [50], by);
}

function none(): Uint8Array {
  return new Uint8Array();
}

function firstPacket(): Uint8Array {
  return semisyncDump[0] ?? none();
}

function artificial(): Parameters<typeof buildEvent>[0] {
  return { timestamp: 0, type: EventType.rotate, serverId: 1, logPos: 0, flags: 0x20 };
}

function dumpWithoutChecksums(): Uint8Array[] {
  const [rotate = none(), format = none()] = dumpHead;
  const body = format.slice(19, -4);
  body[body.length - 1] = 0;
  const header = { ...artificial(), type: EventType.formatDescription };
  return [packetOf(rotate), packetOf(buildEvent(header, body))];
}

function damagedAt(packet: Uint8Array, at: number, damage: string): Uint8Array {
  const byte = packet[at] ?? 0;
  if (damage === 'flip') return packet.with(at, byte ^ 0x10);
  const doubled = damage === 'double' ? [byte, byte ^ 1] : [];
  return Uint8Array.of(...packet.subarray(0, at), ...doubled, ...packet.subarray(at + 1));
}

function isControl(type: number): boolean {
  return [
    EventType.rotate,
    EventType.formatDescription,
    EventType.previousGtids,
    EventType.heartbeatV2,
  ].some((control) => control === type);
}

function received(effects: readonly AssemblerEffect[]): Received[] {
  return effects.filter((effect) => effect.kind === 'transaction-received');
}

function payloadsOf(effects: readonly AssemblerEffect[]): PayloadEffect[] {
  return effects.filter((effect) => effect.kind === 'payload');
}

/** What was received, whatever the fragments. */
function joined(effects: readonly AssemblerEffect[]): unknown[] {
  const whole: unknown[] = [];
  let events = '';
  for (const effect of effects) {
    if (effect.kind === 'payload') {
      events += toHex(effect.payload.events);
    } else if (effect.kind === 'transaction-received') {
      whole.push({ ...effect, fragments: 0, events });
      events = '';
    } else {
      whole.push(effect);
    }
  }
  return whole;
}

function cycle(lengths: readonly number[]): () => number {
  let at = 0;
  return () => {
    at += 1;
    return lengths[at % lengths.length] ?? 1;
  };
}
