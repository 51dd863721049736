import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isServerUuid } from '../../../mysql-bridge/binlog/gtid.ts';
import { decodeServerUuid, encodeServerUuid } from '../../../mysql-bridge/binlog/server-uuid.ts';
import { toHex } from './hex.ts';

test('every uuid comes back, and its bytes are its digits', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const text = decodeServerUuid(bytes);

      expect(isServerUuid(text)).toBe(true);
      expect(text.replaceAll('-', '')).toBe(toHex(bytes));
      expect(encodeServerUuid(text)).toEqual(bytes);
    }),
  );
});

test('what was decoded stays what it was when its bytes are used again', () => {
  const buffer = Buffer.alloc(16, 1);
  const ones = decodeServerUuid(buffer);
  buffer.fill(2);

  const twos = decodeServerUuid(buffer);

  expect([ones, twos]).toEqual([
    '01010101-0101-0101-0101-010101010101',
    '02020202-0202-0202-0202-020202020202',
  ]);
  buffer.fill(1);
  expect(decodeServerUuid(buffer)).toBe(ones);
});
