import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Capability, ServerStatus } from '../../../mysql-bridge/protocol/constants.ts';
import {
  isOk,
  type OkPacket,
  plainOk,
  readOk,
  writeOk,
} from '../../../mysql-bridge/protocol/ok-packet.ts';
import { u64 } from './arbitraries.ts';
import { capturedPayload } from './captured.ts';

const tracking = Capability.sessionTrack;

const okPackets: fc.Arbitrary<OkPacket> = fc.record({
  affectedRows: u64,
  lastInsertId: u64,
  status: fc.nat(0xffff).map((status) => status & ~ServerStatus.sessionStateChanged),
  warnings: fc.nat(0xffff),
  message: fc.string({ unit: 'grapheme', maxLength: 300 }),
  sessionChanges: fc.constant(null),
});

test('a captured OK of a log-in is read and written, with and without session tracking', () => {
  const payload = capturedPayload('ok-login');

  expect(isOk(payload)).toBe(true);
  expect(readOk(payload, tracking)).toEqual(plainOk);
  expect(readOk(payload, 0)).toEqual(plainOk);
  expect(writeOk(plainOk, tracking)).toEqual(payload);
  expect(writeOk(plainOk, 0)).toEqual(payload);
});

test.each(['ok-schema-changed', 'ok-transaction-tracked'])(
  'the captured %s, which tells of the session, is written again as it was read',
  (name) => {
    const payload = capturedPayload(name);
    const ok = readOk(payload, tracking);

    expect(ok.status & ServerStatus.autocommit).toBe(ServerStatus.autocommit);
    if (ok.sessionChanges !== null) expect(writeOk(ok, tracking)).toEqual(payload);
  },
);

test('the changes told by a captured OK are found', () => {
  const { sessionChanges } = readOk(capturedPayload('ok-schema-changed'), tracking);

  expect(Buffer.from(sessionChanges ?? []).toString('hex')).toBe('01020174');
});

test.each([
  ['an answer', false, 0x00],
  ['the end of rows', true, 0xfe],
])('every OK comes back as %s', (_, endsResultSet, header) => {
  fc.assert(
    fc.property(okPackets, fc.constantFrom(0, tracking), (ok, capabilities) => {
      const payload = writeOk(ok, capabilities, { endsResultSet });
      expect(payload[0]).toBe(header);
      expect(isOk(payload)).toBe(!endsResultSet);
      expect(readOk(payload, capabilities)).toEqual(ok);
    }),
  );
});

test('changes of the session are told to a client that tracks, and to no other', () => {
  const ok: OkPacket = { ...plainOk, message: 'done', sessionChanges: Uint8Array.of(1, 2, 1, 116) };

  const told = readOk(writeOk(ok, tracking), tracking);
  const untold = readOk(writeOk({ ...ok, status: told.status }, 0), 0);

  expect(told).toEqual({ ...ok, status: ok.status | ServerStatus.sessionStateChanged });
  expect(untold).toEqual({ ...ok, sessionChanges: null });
});

test('an OK that is cut, of another header, or with NULL for a number is malformed', () => {
  const malformed = expect.objectContaining({ code: 'MYSQL_PACKET_MALFORMED' });
  for (const bytes of [[], [0], [0, 0, 0, 2], [1, 0, 0, 2, 0, 0, 0], [0, 0xfb, 0, 2, 0, 0, 0]]) {
    expect(() => readOk(Uint8Array.from(bytes), tracking)).toThrow(malformed);
  }
});
