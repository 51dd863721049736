import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isErr, readErr, writeErr } from '../../../mysql-bridge/protocol/err-packet.ts';
import { text, u16 } from './arbitraries.ts';
import { capturedPayload } from './captured.ts';

test.each([
  ['err-too-many', 1040, '08004', 'Too many connections'],
  ['err-syntax', 1064, '42000', 'You have an error in your SQL syntax'],
  ['err-no-binlog', 1236, 'HY000', 'Could not find first log file name in binary log index file'],
])('the captured %s is number %d and is written again as it was read', (name, number, ...texts) => {
  const [sqlState, message = ''] = texts;
  const payload = capturedPayload(name);
  const err = readErr(payload);

  expect(isErr(payload)).toBe(true);
  expect(err).toMatchObject({ number, sqlState, message: expect.stringContaining(message) });
  expect(writeErr(err)).toEqual(payload);
});

test('an ERR in place of a greeting has no SQLSTATE', () => {
  const payload = Uint8Array.of(0xff, 0x10, 0x04, ...new TextEncoder().encode('Too many'));

  expect(readErr(payload)).toEqual({ number: 1040, sqlState: 'HY000', message: 'Too many' });
});

test('every ERR comes back', () => {
  const states = fc.stringMatching(/^[0-9A-Z]{5}$/);
  fc.assert(
    fc.property(u16, states, text, (number, sqlState, message) => {
      expect(readErr(writeErr({ number, sqlState, message }))).toEqual({
        number,
        sqlState,
        message,
      });
    }),
  );
});

test('an ERR that is cut is malformed', () => {
  const malformed = expect.objectContaining({ code: 'MYSQL_PACKET_MALFORMED' });
  for (const bytes of [[], [0xff], [0xff, 1], [0xff, 1, 4, 0x23, 0x30], [0, 1, 4]]) {
    expect(() => readErr(Uint8Array.from(bytes))).toThrow(malformed);
  }
});
