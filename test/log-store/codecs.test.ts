import fc from 'fast-check';
import { expect, test } from 'vitest';
import { entryKey, entryKeyIndex } from '../../log-store/keys.ts';
import {
  decodeDurableMark,
  decodeIdentity,
  decodeState,
  decodeTermRun,
  durableMarkLength,
  encodeDurableMark,
  encodeIdentity,
  encodeState,
  encodeTermRun,
  membershipIndexesMax,
} from '../../log-store/meta-codec.ts';
import { decodeRecord, encodeRecord } from '../../log-store/record-codec.ts';
import { EntryKind } from '../../raft/core/entry.ts';
import { logIndex, nodeId, term } from '../../raft/core/types.ts';

const integers = fc.nat(Number.MAX_SAFE_INTEGER);
const indexes = integers.map((value) => logIndex(Math.max(1, value)));
const terms = integers.map(term);
const checksums = fc.nat(0xffff_ffff);
const entries = fc.record({
  term: terms,
  index: indexes,
  kind: fc.constantFrom(...Object.values(EntryKind)),
  payload: fc.uint8Array({ maxLength: 200 }),
});

test('a record gives back its entry and its place in the chain', () => {
  fc.assert(
    fc.property(entries, checksums, (entry, previousChecksum) => {
      const { bytes, checksum } = encodeRecord(entry, previousChecksum);

      expect(decodeRecord(bytes, entry.index)).toEqual({
        kind: 'record',
        record: { entry, checksum, previousChecksum },
      });
    }),
  );
});

test('a record with any bit flipped or any part cut off is damaged, with a reason', () => {
  fc.assert(
    fc.property(
      entries,
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.nat(7),
      (entry, share, bit) => {
        const { bytes } = encodeRecord(entry, 7);
        const at = Math.floor(share * bytes.length);
        const flipped = bytes.map((byte, offset) => (offset === at ? byte ^ (1 << bit) : byte));

        for (const damaged of [flipped, bytes.subarray(0, at), Uint8Array.of(...bytes, 0)]) {
          expect(decodeRecord(damaged, entry.index).kind).toBe('damaged');
        }
      },
    ),
  );
});

test('any bytes are answered, never thrown at', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(decodeRecord(bytes, logIndex(1)).kind).toBe('damaged');
      for (const decode of [decodeState, decodeIdentity, decodeTermRun, decodeDurableMark]) {
        expect(decode(bytes)).toBeNull();
      }
    }),
  );
});

test('records of state, identity, term and mark give back what was put in', () => {
  const states = fc.record({
    sequence: integers,
    hardState: fc.record({
      term: terms,
      votedFor: fc.option(fc.constantFrom(nodeId('n1'), nodeId('a-longer-name'))),
    }),
    firstIndex: indexes,
    lastIndex: indexes,
    lastChecksum: checksums,
    recheckFrom: indexes,
    membershipIndexes: fc.array(indexes, { maxLength: membershipIndexesMax }),
  });
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  const identities = fc.record({ formatVersion: fc.nat(9), clusterId: text, nodeId: text });
  const runs = fc.record({ term: terms, firstIndex: indexes });
  const marks = fc.record({ sequence: integers, term: terms, lastIndex: indexes });
  fc.assert(
    fc.property(states, identities, runs, marks, (state, identity, run, mark) => {
      expect(decodeState(encodeState(state))).toEqual(state);
      expect(decodeIdentity(encodeIdentity(identity))).toEqual(identity);
      expect(decodeTermRun(encodeTermRun(run))).toEqual(run);
      expect(decodeDurableMark(encodeDurableMark(mark))).toEqual(mark);
      expect(encodeDurableMark(mark).length).toBe(durableMarkLength);
      // One kind is not taken for another.
      expect(decodeTermRun(encodeDurableMark(mark))).toBeNull();
    }),
  );
});

test('keys sort as their indexes do', () => {
  fc.assert(
    fc.property(indexes, indexes, (left, right) => {
      expect(Math.sign(Buffer.compare(entryKey(left), entryKey(right)))).toBe(
        Math.sign(left - right),
      );
      expect(entryKeyIndex(entryKey(left))).toBe(left);
    }),
  );
});
