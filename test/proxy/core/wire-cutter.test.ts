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
