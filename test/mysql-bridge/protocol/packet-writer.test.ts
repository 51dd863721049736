import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../base/bytes.ts';
import { encodePacket, PacketWriter } from '../../../mysql-bridge/protocol/packet-writer.ts';

const split = 0xff_ffff;

test('a payload given in parts is written as if given at once', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), fc.nat(255), (parts, sequence) => {
      const payload = concatBytes(parts);
      const writer = new PacketWriter(sequence);

      const streamed = [
        ...writer.begin(payload.length),
        ...parts.flatMap((part) => writer.part(part)),
      ];

      expect(Buffer.from(concatBytes(streamed))).toEqual(
        Buffer.from(encodePacket(payload, sequence)),
      );
    }),
  );
});

test('headers of a large payload fall where the split is, wherever its parts are cut', () => {
  const payload = new Uint8Array(2 * split).fill(7);
  const writer = new PacketWriter(255);

  const streamed = [
    ...writer.begin(payload.length),
    ...writer.part(payload.subarray(0, 10)),
    ...writer.part(payload.subarray(10, split + 5)),
    ...writer.part(payload.subarray(split + 5)),
  ];

  const wire = Buffer.concat(streamed);
  expect(wire.length).toBe(2 * split + 12);
  expect([...wire.subarray(0, 4)]).toEqual([0xff, 0xff, 0xff, 255]);
  expect([...wire.subarray(split + 4, split + 8)]).toEqual([0xff, 0xff, 0xff, 0]);
  expect([...wire.subarray(-4)]).toEqual([0, 0, 0, 1]);
  expect(writer.sequence).toBe(2);
});

test('small packets are one array, large payloads are not copied', () => {
  const large = new Uint8Array(100_000);

  expect(new PacketWriter().packet(Uint8Array.of(1))).toHaveLength(1);
  expect(new PacketWriter().packet(large)[1]?.buffer).toBe(large.buffer);
});

test('sequence numbers start again where told', () => {
  const writer = new PacketWriter(200);
  writer.packet(Uint8Array.of(1));

  writer.restart(1);

  expect([...concatBytes(writer.packet(Uint8Array.of(9)))]).toEqual([1, 0, 0, 1, 9]);
});
