import { expect, test } from 'vitest';
import { AssertionFailure } from '../../../base/assert.ts';
import { formatGtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { emptyRecord, LedgerState } from '../../../mysql-bridge/ledger/ledger-state.ts';
import { type Entry, EntryKind } from '../../../raft/core/entry.ts';
import { logIndex, term } from '../../../raft/core/types.ts';
import { gtidOf, payloadOf } from './log-arbitrary.ts';

const limits = { markEntries: 2, marksMax: 4 };

interface Part {
  readonly of: number;
  readonly fragment?: number;
  readonly fragments?: number;
  readonly inTerm?: number;
}

/** Entries in order; null is a no-op. */
function entriesOf(...parts: readonly (Part | null)[]): Entry[] {
  return parts.map((part, at) => ({
    term: term(part?.inTerm ?? 1),
    index: logIndex(at + 1),
    kind: part === null ? EntryKind.noOp : EntryKind.data,
    payload:
      part === null
        ? new Uint8Array(0)
        : payloadOf(gtidOf(part.of), {
            fragment: part.fragment ?? 0,
            fragments: part.fragments ?? 1,
          }),
  }));
}

function committedOf(entries: readonly Entry[]): string[] {
  const state = new LedgerState(emptyRecord(limits.marksMax), limits);
  return entries.flatMap((entry) => {
    const transaction = state.take(entry);
    if (transaction === null) return [];
    const { gtid, firstIndex, finalIndex } = transaction;
    return [`${formatGtid(gtid).slice(-1)} at ${firstIndex}-${finalIndex}`];
  });
}

const fragment = (of: number, at: number, inTerm = 1): Part => ({
  of,
  fragment: at,
  fragments: 3,
  inTerm,
});

test('a transaction counts when its final fragment is there', () => {
  const entries = entriesOf(fragment(1, 0), fragment(1, 1), fragment(1, 2), { of: 2 });

  expect(committedOf(entries)).toEqual(['1 at 1-3', '2 at 4-4']);
});

test.each([
  ['a no-op', [fragment(1, 0), fragment(1, 1), null, fragment(1, 2)]],
  ['another transaction', [fragment(1, 0), { of: 2 }, fragment(1, 1), fragment(1, 2)]],
  ['a change of term', [fragment(1, 0), fragment(1, 1), fragment(1, 2, 2)]],
  ['a missing fragment', [fragment(1, 0), fragment(1, 2)]],
  ['nothing before it', [fragment(1, 1), fragment(1, 2)]],
])('fragments are abandoned by %s (HAZARDS G9)', (_name, parts) => {
  expect(committedOf(entriesOf(...parts)).filter((line) => line.startsWith('1'))).toEqual([]);
});

test('a transaction that is proposed again after its fragments were abandoned counts once', () => {
  const again = [fragment(1, 0), fragment(1, 1), fragment(1, 2)];

  expect(committedOf(entriesOf(fragment(1, 0), fragment(1, 1), ...again))).toEqual(['1 at 3-5']);
});

test('a GTID that commits twice is a broken invariant (HAZARDS G6)', () => {
  expect(() => committedOf(entriesOf({ of: 1 }, { of: 1 }))).toThrow(AssertionFailure);
});

test('any difference in any entry changes the log hash from there on', () => {
  const hashOf = (entries: readonly Entry[]): string => {
    const state = new LedgerState(emptyRecord(limits.marksMax), limits);
    for (const entry of entries) state.take(entry);
    return state.logHash;
  };
  const base = entriesOf({ of: 1 }, { of: 2 }, null);

  const hashes = [
    base,
    entriesOf({ of: 1 }, { of: 3 }, null),
    entriesOf({ of: 1, inTerm: 2 }, { of: 2 }, null),
    entriesOf({ of: 1 }, { of: 2 }, { of: 3 }),
    base.slice(0, 2),
  ].map(hashOf);

  expect(new Set(hashes).size).toBe(hashes.length);
  expect(hashOf(entriesOf({ of: 1 }, { of: 2 }, null))).toBe(hashes[0]);
});

test('marks stay bounded and never lie inside a transaction', () => {
  const state = new LedgerState(emptyRecord(limits.marksMax), limits);
  const parts: Part[] = [];
  for (let of = 1; of <= 30; of += 1) parts.push(fragment(of, 0), fragment(of, 1), fragment(of, 2));

  for (const entry of entriesOf(...parts)) state.take(entry);

  expect(state.marks.all.length).toBeLessThanOrEqual(limits.marksMax);
  expect(state.marks.all.every(({ index }) => index % 3 === 0)).toBe(true);
  expect(state.marks.newest?.index).toBe(90);
});
