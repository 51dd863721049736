import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Capability, ServerStatus } from '../../../mysql-bridge/protocol/constants.ts';
import {
  isEof,
  isResultSetEnd,
  readResultSetEnd,
  writeEof,
} from '../../../mysql-bridge/protocol/eof-packet.ts';
import { plainOk, writeOk } from '../../../mysql-bridge/protocol/ok-packet.ts';
import { u16 } from './arbitraries.ts';
import { capturedPayloads } from './captured.ts';

const modern = Capability.deprecateEof;
const classic = 0;

test('the captured ends of result sets are known by the capabilities of their connections', () => {
  const ofClassic = capturedPayloads('rows-classic-eof');
  const ofModern = capturedPayloads('rows-deprecate-eof');

  expect(ofClassic.map((payload) => isResultSetEnd(payload, classic))).toEqual([
    ...[false, false, false],
    true,
    ...[false, false],
    true,
  ]);
  expect(ofModern.map((payload) => isResultSetEnd(payload, modern))).toEqual([
    ...[false, false, false],
    true,
  ]);
});

test('every EOF comes back, in the five bytes of the manual', () => {
  expect([...writeEof({ warnings: 0x0102, status: ServerStatus.autocommit })]).toEqual([
    ...[0xfe, 2, 1, 2, 0],
  ]);
  fc.assert(
    fc.property(u16, u16, (warnings, status) => {
      const payload = writeEof({ warnings, status });
      expect(isEof(payload)).toBe(true);
      expect(readResultSetEnd(payload, classic)).toEqual({ warnings, status });
    }),
  );
});

test('under deprecateEof an OK with the header of EOF is the end, however long its message is', () => {
  fc.assert(
    fc.property(u16, u16, fc.nat(2000), (warnings, status, length) => {
      const ok = { ...plainOk, warnings, status, message: 'x'.repeat(length) };
      const payload = writeOk(ok, modern, { endsResultSet: true });
      expect(isResultSetEnd(payload, modern)).toBe(true);
      expect(readResultSetEnd(payload, modern)).toMatchObject({
        warnings,
        status: status & ~ServerStatus.sessionStateChanged,
      });
    }),
  );
});

test('a row that begins with 0xfe is no end: from 9 bytes on classically, from 16 MiB on today (H19)', () => {
  const row = new Uint8Array(0xff_ffff).fill(0xfe);

  expect(isEof(row.subarray(0, 8))).toBe(true);
  expect(isEof(row.subarray(0, 9))).toBe(false);
  expect(isResultSetEnd(row.subarray(0, 9), classic)).toBe(false);
  expect(isResultSetEnd(row.subarray(0, 0xff_fffe), modern)).toBe(true);
  expect(isResultSetEnd(row, modern)).toBe(false);
});
