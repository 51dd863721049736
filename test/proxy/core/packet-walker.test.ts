import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../base/bytes.ts';
import { encodePacket } from '../../../mysql-bridge/protocol/packet-writer.ts';
import { PacketWalker } from '../../../proxy/core/packet-walker.ts';

interface Seen {
  readonly length: number;
  readonly sequence: number;
  readonly head: number[];
}

function walk(chunks: readonly Uint8Array[]): { seen: Seen[]; isAtBoundary: boolean } {
  const walker = new PacketWalker();
  const seen: Seen[] = [];
  for (const chunk of chunks) {
    walker.load(chunk);
    while (walker.next()) {
      const head = [
        ...walker.head.subarray(walker.headAt, walker.headAt + headLength(walker.length)),
      ];
      seen.push({ length: walker.length, sequence: walker.sequence, head });
    }
  }
  return { seen, isAtBoundary: walker.isAtBoundary };
}

function headLength(length: number): number {
  return Math.min(length, 24);
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(offset, offset + size));
    offset += size;
  }
  chunks.push(bytes.subarray(offset));
  return chunks.filter((chunk) => chunk.length > 0);
}

const payloads = fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 12 });

test('packets are found wherever the stream is cut', () => {
  fc.assert(
    fc.property(payloads, fc.array(fc.nat(40)), (bodies, sizes) => {
      const expected = bodies.map((body, index) => ({
        length: body.length,
        sequence: index & 0xff,
        head: [...body.subarray(0, 24)],
      }));
      const bytes = concatBytes(bodies.map((body, index) => encodePacket(body, index)));

      const { seen, isAtBoundary } = walk(cut(bytes, sizes));

      expect(seen).toEqual(expected);
      expect(isAtBoundary).toBe(true);
    }),
  );
});

test('packets are found one byte at a time', () => {
  const bytes = concatBytes([
    encodePacket(new Uint8Array(30).fill(9), 3),
    encodePacket(new Uint8Array(0), 4),
  ]);
  const { seen } = walk([...bytes].map((byte) => new Uint8Array([byte])));
  expect(seen.map(({ length, sequence }) => [length, sequence])).toEqual([
    [30, 3],
    [0, 4],
  ]);
});

test('a packet of more than 16 MiB is one packet, and its end is found (H19)', () => {
  const bytes = encodePacket(new Uint8Array(0xffffff + 10).fill(1), 0);
  const next = encodePacket(new Uint8Array([5]), 2);

  const { seen, isAtBoundary } = walk([...cut(bytes, [3, 0xffffff, 5]), next]);

  expect(seen.map(({ length, sequence }) => [length, sequence])).toEqual([
    [0xffffff, 0],
    [1, 2],
  ]);
  expect(isAtBoundary).toBe(true);
});

test('a packet of exactly 16 MiB - 1 ends with an empty wire packet', () => {
  const bytes = encodePacket(new Uint8Array(0xffffff), 0);
  expect(walk([bytes.subarray(0, -4)]).isAtBoundary).toBe(false);
  expect(walk([bytes.subarray(0, -1), bytes.subarray(-1)]).isAtBoundary).toBe(true);
});
