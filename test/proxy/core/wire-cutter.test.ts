import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../base/bytes.ts';
import { encodePacket } from '../../../mysql-bridge/protocol/packet-writer.ts';
import { type Run, WireCutter } from '../../../proxy/core/wire-cutter.ts';

function takeAll(cutter: WireCutter): Run[] {
  const runs: Run[] = [];
  for (let run = cutter.next(); run !== null; run = cutter.next()) runs.push(run);
  return runs;
}

const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 10 });

test('runs join to the same bytes, and begin and end with the packets', () => {
  fc.assert(
    fc.property(bodies, fc.array(fc.nat(30)), (packets, sizes) => {
      const bytes = concatBytes(packets.map((body, index) => encodePacket(body, index)));
      const cutter = new WireCutter();
      const runs: Run[] = [];
      let offset = 0;
      for (const size of [...sizes, bytes.length]) {
        cutter.push(bytes.subarray(offset, offset + size));
        offset = Math.min(bytes.length, offset + size);
        runs.push(...takeAll(cutter));
      }

      expect(concatBytes(runs.map((run) => run.bytes))).toEqual(bytes);
      const firsts = runs.filter((run) => run.isFirst);
      expect(firsts.map((run) => run.code)).toEqual(packets.map((body) => body[0] ?? -1));
      expect(firsts.map((run) => run.sequence)).toEqual(packets.map((_, index) => index));
      expect(runs.filter((run) => run.isLast)).toHaveLength(packets.length);
      expect(cutter.queuedBytes).toBe(0);
      expect(cutter.isInsidePacket).toBe(false);
    }),
  );
});

test('a packet is kept back until its beginning is clear, it is all there, or 256 bytes are', () => {
  const small = encodePacket(new Uint8Array([3, 1, 2, 4, 5, 6, 7]), 0);
  const large = encodePacket(new Uint8Array(300).fill(1), 1);
  const bytes = concatBytes([small, encodePacket(new Uint8Array([3, 1]), 2), large]);
  const cutter = new WireCutter();
  const runs: Run[] = [];
  for (const byte of bytes) {
    cutter.push(new Uint8Array([byte]));
    for (const run of [cutter.next((head) => head.length > 4)]) if (run !== null) runs.push(run);
  }

  expect(runs.slice(0, 4).map((run) => run.bytes.length)).toEqual([9, 1, 1, 6]);
  expect(runs[4]?.bytes.length).toBe(9);
  expect(concatBytes(runs.map((run) => run.bytes))).toEqual(bytes);

  const never = new WireCutter();
  never.push(large.subarray(0, 255));
  expect(never.next(() => false)).toBe(null);
  never.push(large.subarray(255));
  expect(never.next(() => false)?.bytes.length).toBe(256);
});

test('a look ahead takes nothing', () => {
  const cutter = new WireCutter();
  cutter.push(encodePacket(new Uint8Array([3, 1, 2]), 7));

  expect(cutter.peek()).toEqual({ sequence: 7, code: 3 });
  expect(cutter.queuedBytes).toBe(7);
});

test('a command of more than 16 MiB is one packet (H19)', () => {
  const cutter = new WireCutter();
  cutter.push(encodePacket(new Uint8Array(0xffffff * 2).fill(3), 0));

  const runs = takeAll(cutter);

  expect(runs.map((run) => run.isLast)).toEqual([false, false, true]);
  expect(runs.map((run) => run.sequence)).toEqual([0, 1, 2]);
});
