import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeSemisyncAck,
  encodeSemisyncAck,
} from '../../../mysql-bridge/semisync/semisync-ack.ts';
import { decodeSemisyncHeader } from '../../../mysql-bridge/semisync/semisync-header.ts';

test('an ack is the magic, the offset, and the file name', () => {
  const encoded = encodeSemisyncAck({ file: 'binlog.000003', offset: 762n });

  expect(Buffer.from(encoded).toString('hex')).toBe(
    `effa02000000000000${Buffer.from('binlog.000003').toString('hex')}`,
  );
});

test('every position comes back', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z0-9.-]{1,60}$/),
      fc.bigInt(0n, (1n << 64n) - 1n),
      (file, offset) => {
        expect(decodeSemisyncAck(encodeSemisyncAck({ file, offset }))).toEqual({ file, offset });
      },
    ),
  );
});

test('any other bytes are no ack', () => {
  expect(decodeSemisyncAck(new Uint8Array())).toBeNull();
  expect(decodeSemisyncAck(Uint8Array.of(0xef, 1, 2))).toBeNull();
  expect(decodeSemisyncAck(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))).toBeNull();
  expect(decodeSemisyncAck(Uint8Array.of(0xef, 1, 2, 3, 4, 5, 6, 7, 8))).toBeNull();
});

test('the header of an event says whether somebody waits', () => {
  expect(decodeSemisyncHeader(0xef, 1)).toBe(true);
  expect(decodeSemisyncHeader(0xef, 0)).toBe(false);
  expect(decodeSemisyncHeader(0xef, 2)).toBeNull();
  expect(decodeSemisyncHeader(0x00, 1)).toBeNull();
});
