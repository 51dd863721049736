import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeStatus,
  encodePut,
  encodePutAnswer,
  encodeStatus,
} from '../../../bench/core/etcd-wire.ts';

const text = new TextEncoder();
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

test('a put is two fields, each with its length, as Protocol Buffers have it', () => {
  expect([...encodePut(text.encode('key'), text.encode('v'))]).toEqual([
    ...[0x0a, 3, ...text.encode('key')],
    ...[0x12, 1, ...text.encode('v')],
  ]);
});

test('a length of more than seven bits takes two bytes, the low ones first', () => {
  const encoded = encodePut(new Uint8Array(), new Uint8Array(300));

  expect([...encoded.subarray(0, 5)]).toEqual([0x0a, 0, 0x12, 0xac, 0x02]);
  expect(encoded).toHaveLength(5 + 300);
});

test('the answer to a put is a header with a revision and a term', () => {
  expect([...encodePutAnswer({ revision: 300, term: 2 })]).toEqual([
    ...[0x0a, 5],
    ...[0x18, 0xac, 0x02],
    ...[0x20, 2],
  ]);
});

test('a status reads as it was written, ids of 64 bits too', () => {
  fc.assert(
    fc.property(
      fc.record({ memberId: uint64, leaderId: uint64, term: uint64, index: uint64 }),
      (status) => {
        expect(decodeStatus(encodeStatus(status))).toEqual(status);
      },
    ),
  );
});

test('fields of a status that are not asked for are skipped, and missing numbers are 0', () => {
  const header = [0x08, 9, 0x10, 7];
  const version = [0x12, 3, 0x33, 0x2e, 0x34];
  const fixed = [0x49, 1, 2, 3, 4, 5, 6, 7, 8, 0x55, 1, 2, 3, 4];
  const bytes = Uint8Array.from([0x0a, header.length, ...header, ...version, ...fixed, 0x20, 7]);

  expect(decodeStatus(bytes)).toEqual({ memberId: 7n, leaderId: 7n, term: 0n, index: 0n });
});

test('whatever bytes arrive, the answer is a status or null, and a status cut short is not one with a whole header', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const status = decodeStatus(bytes);
      expect(status === null || typeof status.memberId === 'bigint').toBe(true);
    }),
  );
  const whole = encodeStatus({ memberId: 300n, leaderId: 300n, term: 300n, index: 300n });
  expect(decodeStatus(whole.subarray(0, whole.length - 1))).toBeNull();
  expect(decodeStatus(whole.subarray(0, 3))).toBeNull();
  expect(decodeStatus(new Uint8Array())).toBeNull();
});
