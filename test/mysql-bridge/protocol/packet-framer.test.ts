import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../base/bytes.ts';
import {
  type Packet,
  PacketCollector,
  PacketFramer,
} from '../../../mysql-bridge/protocol/packet-framer.ts';
import type { PacketPiece } from '../../../mysql-bridge/protocol/packet-piece.ts';
import { encodePacket, PacketWriter } from '../../../mysql-bridge/protocol/packet-writer.ts';
import { capturedNames, capturedPayloads, capturedWire } from './captured.ts';

const split = 0xff_ffff;

function framed(chunks: readonly Uint8Array[], payloadBytesMax = 64 * 1024 * 1024): Packet[] {
  const framer = new PacketFramer();
  const collector = new PacketCollector({ payloadBytesMax });
  return chunks.flatMap((chunk) =>
    framer.push(chunk).flatMap((piece) => {
      const packet = collector.add(piece);
      return packet === null ? [] : [packet];
    }),
  );
}

function oneByteAtATime(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

/** Cuts at the given fractions of the whole. */
function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((place) => Math.floor(place * bytes.length)), bytes.length];
  places.sort((left, right) => left - right);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

test('captured packets come out the same whole, one byte at a time, and behind each other', () => {
  const wire = concatBytes(capturedNames.map(capturedWire));
  const expected = capturedNames.flatMap(capturedPayloads);

  const whole = framed([wire]).map(({ payload }) => payload);
  const single = framed(oneByteAtATime(wire)).map(({ payload }) => payload);

  expect(whole).toEqual(expected);
  expect(single).toEqual(expected);
});

test('packets cut at random come out as they were written', () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
  fc.assert(
    fc.property(payloads, fc.nat(255), cuts, (written, firstSequence, places) => {
      const writer = new PacketWriter(firstSequence);
      const wire = concatBytes(written.flatMap((payload) => writer.packet(payload)));

      const read = framed(cut(wire, places));

      expect(read.map(({ payload }) => Array.from(payload))).toEqual(
        written.map((payload) => Array.from(payload)),
      );
      expect(read.map(({ sequence }) => sequence)).toEqual(
        written.map((_, index) => (firstSequence + index) & 0xff),
      );
    }),
  );
});

test.each([
  ['one byte below the split', split - 1, [split - 1]],
  ['exactly the split', split, [split, 0]],
  ['one byte above the split', split + 1, [split, 1]],
  ['exactly two splits', 2 * split, [split, split, 0]],
])('a payload of %s is joined again (HAZARDS G9)', (_, length, wireLengths) => {
  const payload = new Uint8Array(length).map((_byte, index) => index & 0xff);
  const parts = new PacketWriter(254).packet(payload);
  const wire = concatBytes(parts);

  const [packet, ...others] = framed(cut(wire, [0.1, 0.33, 0.5, 0.77]));

  expect(
    parts
      .filter((part) => part.length === 4)
      .map((header) => (header[0] ?? 0) | ((header[1] ?? 0) << 8) | ((header[2] ?? 0) << 16)),
  ).toEqual(wireLengths);
  expect(others).toEqual([]);
  expect(Buffer.compare(packet?.payload ?? new Uint8Array(), payload)).toBe(0);
  expect(packet?.sequence).toBe((254 + wireLengths.length - 1) & 0xff);
});

test('pieces of a packet are marked at its two ends only', () => {
  const framer = new PacketFramer();
  const wire = encodePacket(Uint8Array.of(1, 2, 3, 4), 7);

  const pieces = [wire.subarray(0, 6), wire.subarray(6)].flatMap((chunk) => framer.push(chunk));

  expect(pieces).toEqual<PacketPiece[]>([
    { bytes: Uint8Array.of(1, 2), isFirst: true, isLast: false, sequence: 7 },
    { bytes: Uint8Array.of(3, 4), isFirst: false, isLast: true, sequence: 7 },
  ]);
  expect(framer.isBetweenPackets).toBe(true);
});

test('an empty packet is a piece of its own', () => {
  const framer = new PacketFramer();

  const pieces = framer.push(Uint8Array.of(0, 0, 0, 3));

  expect(pieces).toEqual([{ bytes: new Uint8Array(), isFirst: true, isLast: true, sequence: 3 }]);
  expect(framer.isBetweenPackets).toBe(true);
});

test('a stream that ends inside a header or a payload is known to have done so', () => {
  const inHeader = new PacketFramer();
  const inPayload = new PacketFramer();

  inHeader.push(Uint8Array.of(5, 0));
  inPayload.push(Uint8Array.of(5, 0, 0, 0, 1));

  expect(inHeader.isBetweenPackets).toBe(false);
  expect(inPayload.isBetweenPackets).toBe(false);
});

test('a packet that goes on under a wrong sequence number is refused', () => {
  const framer = new PacketFramer();
  framer.push(Uint8Array.of(0xff, 0xff, 0xff, 9));
  framer.push(new Uint8Array(split));

  const pushing = (): unknown => framer.push(Uint8Array.of(1, 0, 0, 11, 0));

  expect(pushing).toThrow(expect.objectContaining({ code: 'MYSQL_PACKET_MALFORMED' }));
});

test('a packet above the maximum is refused at its header (HAZARDS S6, H31)', () => {
  const framer = new PacketFramer({ packetBytesMax: 1000 });

  expect(() => framer.push(Uint8Array.of(0xe9, 0x03, 0, 0))).toThrow(
    expect.objectContaining({ code: 'MYSQL_PACKET_TOO_LARGE' }),
  );
});

test('a collector refuses what exceeds its maximum, and starts anew with each packet', () => {
  const framer = new PacketFramer();
  const collector = new PacketCollector({ payloadBytesMax: 4 });
  const add = (wire: Uint8Array): (Packet | null)[] =>
    framer.push(wire).map((piece) => collector.add(piece));

  expect(add(encodePacket(Uint8Array.of(1, 2, 3, 4), 0))).toHaveLength(1);
  expect(add(encodePacket(Uint8Array.of(1, 2, 3, 4), 1))).toHaveLength(1);
  expect(() => add(encodePacket(Uint8Array.of(1, 2, 3, 4, 5), 2))).toThrow(
    expect.objectContaining({ code: 'MYSQL_PACKET_TOO_LARGE' }),
  );
});

test('any bytes at all give pieces or an error, and pieces never hold more than was pushed (HAZARDS S1)', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (chunks) => {
      const framer = new PacketFramer({ packetBytesMax: 10_000 });
      let pushed = 0;
      let given = 0;
      try {
        for (const chunk of chunks) {
          pushed += chunk.length;
          for (const piece of framer.push(chunk)) given += piece.bytes.length;
        }
      } catch (thrown) {
        expect(thrown).toMatchObject({
          code: expect.stringMatching(/^MYSQL_PACKET_(MALFORMED|TOO_LARGE)$/),
        });
      }
      expect(given).toBeLessThanOrEqual(pushed);
    }),
  );
});
