import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../base/bytes.ts';
import { Capability } from '../../../mysql-bridge/protocol/constants.ts';
import { readOk } from '../../../mysql-bridge/protocol/ok-packet.ts';
import {
  readSessionChanges,
  writeGtidsChange,
} from '../../../mysql-bridge/protocol/session-track.ts';
import { text } from './arbitraries.ts';
import { capturedPayload } from './captured.ts';

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

// The manual's examples of each type, and the forms that it only describes.
const variable = '00 0f 0a 6175746f636f6d6d6974 03 4f4646';
const schema = '01 05 04 74657374';
const stateChange = '02 02 01 31';
const gtids = '03 0a 00 08 61613a312d32333a';
const transactionState = '05 09 08 545f5f5f5f5f5f5f';

test('the captured change of the default database is read', () => {
  const ok = readOk(capturedPayload('ok-schema-changed'), Capability.sessionTrack);

  expect(readSessionChanges(ok.sessionChanges ?? new Uint8Array())).toEqual([
    { kind: 'schema', name: 't' },
  ]);
});

test('changes of every kind are read in their order', () => {
  const all = bytes([variable, schema, stateChange, gtids, transactionState].join(''));

  expect(readSessionChanges(all)).toEqual([
    { kind: 'system-variable', name: 'autocommit', value: 'OFF' },
    { kind: 'schema', name: 'test' },
    { kind: 'other', type: 2, bytes: Uint8Array.of(1, 0x31) },
    { kind: 'gtids', gtids: 'aa:1-23:' },
    { kind: 'transaction-state', state: 'T_______' },
  ]);
  expect(readSessionChanges(new Uint8Array())).toEqual([]);
});

test('one change may tell of several variables', () => {
  expect(readSessionChanges(bytes('00 08 01 61 01 31 01 62 01 32'))).toEqual([
    { kind: 'system-variable', name: 'a', value: '1' },
    { kind: 'system-variable', name: 'b', value: '2' },
  ]);
});

test('every GTID set that is told comes back, among others too', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), (sets) => {
      const changes = readSessionChanges(concatBytes(sets.map(writeGtidsChange)));
      expect(changes).toEqual(sets.map((set) => ({ kind: 'gtids', gtids: set })));
    }),
  );
});

test('changes that are cut are malformed, behind whole ones too', () => {
  for (const hex of ['00', '01 05 04 7465', '03 00', `${schema} 05 09 08 54`, '01 02 09 74']) {
    expect(() => readSessionChanges(bytes(hex))).toThrow(
      expect.objectContaining({ code: 'MYSQL_PACKET_MALFORMED' }),
    );
  }
});
