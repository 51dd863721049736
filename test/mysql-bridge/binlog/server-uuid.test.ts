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
